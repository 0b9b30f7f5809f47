ALTER TABLE "features" ADD COLUMN "merged_time" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "features" ADD COLUMN "passed_over" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "features" ADD COLUMN "passed_over_since" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "projects" ADD COLUMN "roadmap_version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
CREATE INDEX "features_open" ON "features" USING btree ("project_id","lane","position","id") WHERE "features"."status" in ('draft', 'ready', 'active');--> statement-breakpoint
CREATE INDEX "features_by_status" ON "features" USING btree ("project_id","status","lane");--> statement-breakpoint
CREATE INDEX "features_unmerged" ON "features" USING btree ("project_id","done_time") WHERE "features"."status" = 'done' and "features"."landing_branch" is not null and "features"."merged_time" is null;