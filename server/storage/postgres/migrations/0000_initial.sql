CREATE TABLE "api_keys" (
	"id" text PRIMARY KEY NOT NULL,
	"engineer_id" uuid NOT NULL,
	"name" text NOT NULL,
	"secret_hash" text NOT NULL,
	"last_four" text NOT NULL,
	"scope" text NOT NULL,
	"create_time" timestamp (3) with time zone NOT NULL,
	"last_used_time" timestamp (3) with time zone,
	"expire_time" timestamp (3) with time zone,
	"revoke_time" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "claims" (
	"id" uuid PRIMARY KEY NOT NULL,
	"project_id" uuid NOT NULL,
	"feature_id" uuid,
	"session_id" uuid,
	"fencing_token" bigint,
	"state" text NOT NULL,
	"touches" jsonb NOT NULL,
	"replaces" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"touches_revision" integer DEFAULT 0 NOT NULL,
	"stored_revision" integer DEFAULT 0 NOT NULL,
	"acquire_time" timestamp (3) with time zone,
	"lost" boolean DEFAULT false NOT NULL,
	"end_time" timestamp (3) with time zone,
	CONSTRAINT "claims_fencing_token_unique" UNIQUE("project_id","fencing_token")
);
--> statement-breakpoint
CREATE TABLE "engineers" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"email" text NOT NULL,
	"create_time" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "feature_dependencies" (
	"feature_id" uuid NOT NULL,
	"depends_on_id" uuid NOT NULL,
	"ordinal" smallint NOT NULL,
	CONSTRAINT "feature_dependencies_pkey" PRIMARY KEY("feature_id","depends_on_id")
);
--> statement-breakpoint
CREATE TABLE "features" (
	"id" uuid PRIMARY KEY NOT NULL,
	"project_id" uuid NOT NULL,
	"slug" text NOT NULL,
	"title" text NOT NULL,
	"spec" text NOT NULL,
	"status" text NOT NULL,
	"lane" smallint NOT NULL,
	"position" double precision NOT NULL,
	"touches" jsonb NOT NULL,
	"revision" integer DEFAULT 1 NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"session_id" uuid,
	"claim_id" uuid,
	"fencing_token" bigint DEFAULT 0 NOT NULL,
	"acquire_time" timestamp (3) with time zone,
	"interruption" jsonb,
	"landing_branch" text,
	"landing_commit" text,
	"create_time" timestamp (3) with time zone NOT NULL,
	"update_time" timestamp (3) with time zone NOT NULL,
	"ready_time" timestamp (3) with time zone,
	"done_time" timestamp (3) with time zone,
	CONSTRAINT "features_slug_unique" UNIQUE("project_id","slug")
);
--> statement-breakpoint
CREATE TABLE "project_members" (
	"project_id" uuid NOT NULL,
	"engineer_id" uuid NOT NULL,
	"role" text NOT NULL,
	"create_time" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "project_members_pkey" PRIMARY KEY("project_id","engineer_id")
);
--> statement-breakpoint
CREATE TABLE "projects" (
	"id" uuid PRIMARY KEY NOT NULL,
	"slug" text NOT NULL,
	"name" text NOT NULL,
	"creator_id" uuid NOT NULL,
	"session_ttl_ms" bigint NOT NULL,
	"lock_delay_ms" bigint NOT NULL,
	"shared_paths" text[] NOT NULL,
	"case_sensitive" boolean NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"epoch" integer DEFAULT 1 NOT NULL,
	"create_time" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "projects_slug_unique" UNIQUE("creator_id","slug"),
	CONSTRAINT "projects_epoch_range" CHECK ("projects"."epoch" between 1 and 2097151)
);
--> statement-breakpoint
CREATE TABLE "requests" (
	"caller" text NOT NULL,
	"request_id" uuid NOT NULL,
	"body_hash" "bytea" NOT NULL,
	"answer" "bytea",
	"create_time" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "requests_pkey" PRIMARY KEY("caller","request_id")
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"project_id" uuid NOT NULL,
	"engineer_id" uuid NOT NULL,
	"client_session_id" text NOT NULL,
	"agent" text NOT NULL,
	"host" text NOT NULL,
	"worktree" text NOT NULL,
	"branch" text NOT NULL,
	"state" text NOT NULL,
	"open_time" timestamp (3) with time zone NOT NULL,
	"end_time" timestamp (3) with time zone
);
--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_engineer_id_engineers_id_fk" FOREIGN KEY ("engineer_id") REFERENCES "public"."engineers"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "claims" ADD CONSTRAINT "claims_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "feature_dependencies" ADD CONSTRAINT "feature_dependencies_feature_id_features_id_fk" FOREIGN KEY ("feature_id") REFERENCES "public"."features"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "feature_dependencies" ADD CONSTRAINT "feature_dependencies_depends_on_id_features_id_fk" FOREIGN KEY ("depends_on_id") REFERENCES "public"."features"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "features" ADD CONSTRAINT "features_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "project_members" ADD CONSTRAINT "project_members_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "project_members" ADD CONSTRAINT "project_members_engineer_id_engineers_id_fk" FOREIGN KEY ("engineer_id") REFERENCES "public"."engineers"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "projects" ADD CONSTRAINT "projects_creator_id_engineers_id_fk" FOREIGN KEY ("creator_id") REFERENCES "public"."engineers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_engineer_id_engineers_id_fk" FOREIGN KEY ("engineer_id") REFERENCES "public"."engineers"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "api_keys_by_engineer" ON "api_keys" USING btree ("engineer_id","create_time","id");--> statement-breakpoint
CREATE INDEX "claims_held" ON "claims" USING btree ("project_id","feature_id") WHERE "claims"."state" = 'held';--> statement-breakpoint
CREATE INDEX "claims_ending" ON "claims" USING btree ("project_id","end_time") WHERE "claims"."state" = 'ending';--> statement-breakpoint
CREATE INDEX "claims_draining" ON "claims" USING btree ("project_id") WHERE "claims"."state" = 'draining';--> statement-breakpoint
CREATE INDEX "claims_by_session" ON "claims" USING btree ("session_id");--> statement-breakpoint
CREATE UNIQUE INDEX "engineers_email_unique" ON "engineers" USING btree (lower("email"));--> statement-breakpoint
CREATE INDEX "feature_dependencies_by_target" ON "feature_dependencies" USING btree ("depends_on_id");--> statement-breakpoint
CREATE INDEX "features_by_roadmap" ON "features" USING btree ("project_id","lane","position","id");--> statement-breakpoint
CREATE INDEX "features_ready" ON "features" USING btree ("project_id","lane","position","id") WHERE "features"."status" = 'ready';--> statement-breakpoint
CREATE UNIQUE INDEX "features_one_active_per_session" ON "features" USING btree ("session_id") WHERE "features"."status" = 'active';--> statement-breakpoint
CREATE INDEX "project_members_by_engineer" ON "project_members" USING btree ("engineer_id");--> statement-breakpoint
CREATE INDEX "requests_by_time" ON "requests" USING btree ("create_time");--> statement-breakpoint
CREATE UNIQUE INDEX "sessions_one_open_per_client" ON "sessions" USING btree ("project_id","engineer_id","client_session_id") WHERE "sessions"."state" = 'open';--> statement-breakpoint
CREATE INDEX "sessions_open" ON "sessions" USING btree ("project_id","open_time","id") WHERE "sessions"."state" = 'open';