CREATE TABLE "checkpoints" (
	"id" uuid PRIMARY KEY NOT NULL,
	"ordinal" bigint GENERATED ALWAYS AS IDENTITY (sequence name "checkpoints_ordinal_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"project_id" uuid NOT NULL,
	"session_id" uuid NOT NULL,
	"feature_slug" text NOT NULL,
	"context" text NOT NULL,
	"data" text NOT NULL,
	"branch" text NOT NULL,
	"commit" text NOT NULL,
	"changed_paths" text[] NOT NULL,
	"fencing_token" bigint NOT NULL,
	"held_touches" jsonb NOT NULL,
	"create_time" timestamp (3) with time zone NOT NULL,
	"search" "tsvector" GENERATED ALWAYS AS (array_to_tsvector(array["project_id"::text]) || to_tsvector('simple', translate("context", '/\._-:@<>&+~“”‘’…–—、。，：（）', '                         ')) || to_tsvector('english', translate("context", '/\._-:@<>&+~“”‘’…–—、。，：（）', '                         '))) STORED
);
--> statement-breakpoint
CREATE TABLE "decisions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"ordinal" bigint GENERATED ALWAYS AS IDENTITY (sequence name "decisions_ordinal_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"project_id" uuid NOT NULL,
	"feature_slug" text NOT NULL,
	"title" text NOT NULL,
	"decision" text NOT NULL,
	"rationale" text NOT NULL,
	"alternatives" text NOT NULL,
	"consequences" text NOT NULL,
	"superseded_by" uuid,
	"engineer_id" uuid NOT NULL,
	"agent" text NOT NULL,
	"create_time" timestamp (3) with time zone NOT NULL,
	"search" "tsvector" GENERATED ALWAYS AS (array_to_tsvector(array["project_id"::text]) || setweight(to_tsvector('simple', translate("title", '/\._-:@<>&+~“”‘’…–—、。，：（）', '                         ')) || to_tsvector('english', translate("title", '/\._-:@<>&+~“”‘’…–—、。，：（）', '                         ')), 'A') || to_tsvector('simple', translate("decision" || ' ' || "rationale" || ' ' || "alternatives" || ' ' || "consequences", '/\._-:@<>&+~“”‘’…–—、。，：（）', '                         ')) || to_tsvector('english', translate("decision" || ' ' || "rationale" || ' ' || "alternatives" || ' ' || "consequences", '/\._-:@<>&+~“”‘’…–—、。，：（）', '                         '))) STORED
);
--> statement-breakpoint
CREATE TABLE "learnings" (
	"id" uuid PRIMARY KEY NOT NULL,
	"ordinal" bigint GENERATED ALWAYS AS IDENTITY (sequence name "learnings_ordinal_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"project_id" uuid NOT NULL,
	"feature_slug" text NOT NULL,
	"text" text NOT NULL,
	"engineer_id" uuid NOT NULL,
	"agent" text NOT NULL,
	"create_time" timestamp (3) with time zone NOT NULL,
	"search" "tsvector" GENERATED ALWAYS AS (array_to_tsvector(array["project_id"::text]) || to_tsvector('simple', translate("text", '/\._-:@<>&+~“”‘’…–—、。，：（）', '                         ')) || to_tsvector('english', translate("text", '/\._-:@<>&+~“”‘’…–—、。，：（）', '                         '))) STORED
);
--> statement-breakpoint
ALTER TABLE "features" ADD COLUMN "search" "tsvector" GENERATED ALWAYS AS (array_to_tsvector(array["project_id"::text]) || setweight(to_tsvector('simple', translate("title", '/\._-:@<>&+~“”‘’…–—、。，：（）', '                         ')) || to_tsvector('english', translate("title", '/\._-:@<>&+~“”‘’…–—、。，：（）', '                         ')), 'A') || to_tsvector('simple', translate("spec", '/\._-:@<>&+~“”‘’…–—、。，：（）', '                         ')) || to_tsvector('english', translate("spec", '/\._-:@<>&+~“”‘’…–—、。，：（）', '                         '))) STORED;--> statement-breakpoint
ALTER TABLE "checkpoints" ADD CONSTRAINT "checkpoints_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "checkpoints" ADD CONSTRAINT "checkpoints_session_id_sessions_id_fk" FOREIGN KEY ("session_id") REFERENCES "public"."sessions"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "decisions" ADD CONSTRAINT "decisions_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "decisions" ADD CONSTRAINT "decisions_superseded_by_decisions_id_fk" FOREIGN KEY ("superseded_by") REFERENCES "public"."decisions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "decisions" ADD CONSTRAINT "decisions_engineer_id_engineers_id_fk" FOREIGN KEY ("engineer_id") REFERENCES "public"."engineers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "learnings" ADD CONSTRAINT "learnings_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "learnings" ADD CONSTRAINT "learnings_engineer_id_engineers_id_fk" FOREIGN KEY ("engineer_id") REFERENCES "public"."engineers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "checkpoints_by_session" ON "checkpoints" USING btree ("session_id","ordinal");--> statement-breakpoint
CREATE INDEX "checkpoints_by_feature" ON "checkpoints" USING btree ("project_id","feature_slug","ordinal");--> statement-breakpoint
CREATE INDEX "checkpoints_search" ON "checkpoints" USING gin ("search") WITH (fastupdate=false);--> statement-breakpoint
CREATE INDEX "decisions_by_project" ON "decisions" USING btree ("project_id","ordinal");--> statement-breakpoint
CREATE INDEX "decisions_in_force" ON "decisions" USING btree ("project_id","ordinal") WHERE "decisions"."superseded_by" is null;--> statement-breakpoint
CREATE INDEX "decisions_by_feature" ON "decisions" USING btree ("project_id","feature_slug","ordinal");--> statement-breakpoint
CREATE INDEX "decisions_superseded" ON "decisions" USING btree ("superseded_by") WHERE "decisions"."superseded_by" is not null;--> statement-breakpoint
CREATE INDEX "decisions_search" ON "decisions" USING gin ("search") WITH (fastupdate=false);--> statement-breakpoint
CREATE INDEX "learnings_by_project" ON "learnings" USING btree ("project_id","ordinal");--> statement-breakpoint
CREATE INDEX "learnings_by_feature" ON "learnings" USING btree ("project_id","feature_slug","ordinal");--> statement-breakpoint
CREATE INDEX "learnings_search" ON "learnings" USING gin ("search") WITH (fastupdate=false);--> statement-breakpoint
CREATE INDEX "features_search" ON "features" USING gin ("search") WITH (fastupdate=false);