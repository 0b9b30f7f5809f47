CREATE INDEX "events_by_feature" ON "events" USING btree ("project_id","feature_slug","sequence") WHERE "events"."feature_slug" is not null;--> statement-breakpoint
CREATE INDEX "events_by_engineer" ON "events" USING btree ("project_id","engineer_id","sequence");--> statement-breakpoint
CREATE INDEX "events_by_kind" ON "events" USING btree ("project_id","kind","sequence");