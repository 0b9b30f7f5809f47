CREATE TABLE "events" (
	"project_id" uuid NOT NULL,
	"sequence" bigint NOT NULL,
	"time" timestamp (3) with time zone NOT NULL,
	"actor" text NOT NULL,
	"engineer_id" uuid,
	"session_id" uuid,
	"feature_slug" text,
	"kind" text NOT NULL,
	"payload" jsonb NOT NULL,
	CONSTRAINT "events_pkey" PRIMARY KEY("project_id","sequence")
);
--> statement-breakpoint
ALTER TABLE "projects" ADD COLUMN "event_sequence" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "events" ADD CONSTRAINT "events_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "events_by_time" ON "events" USING btree ("project_id","time");