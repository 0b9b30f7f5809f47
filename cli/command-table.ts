import type { CommandClass } from "clipanion";
import type { NexusContext } from "./context.ts";

/** A command as far as it is known without loading it. */
export interface CommandEntry {
  /** The words that name it. */
  readonly words: readonly string[];
  /** Another name, for what is typed most. */
  readonly alias?: string;
  /** One line, the same as the class's usage description. */
  readonly summary: string;
  /** Loads the command's module; only the command that was asked for is ever evaluated. */
  readonly load: () => Promise<CommandClass<NexusContext>>;
}

/** Every command, in the order in which help lists them. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    words: ["setup"],
    summary: "set up a repository: find or start a server, log in, link a project",
    load: async () => (await import("./commands/setup.ts")).SetupCommand,
  },
  {
    words: ["serve"],
    summary: "run a server on this machine",
    load: async () => (await import("./commands/serve.ts")).ServeCommand,
  },
  {
    words: ["login"],
    summary: "log in to a server, or register there",
    load: async () => (await import("./commands/login.ts")).LoginCommand,
  },
  {
    words: ["logout"],
    summary: "forget the key of a server",
    load: async () => (await import("./commands/logout.ts")).LogoutCommand,
  },
  {
    words: ["whoami"],
    summary: "show who you are, on which server",
    load: async () => (await import("./commands/whoami.ts")).WhoamiCommand,
  },
  {
    words: ["status"],
    summary: "show the project at a glance: features, sessions, who holds what",
    load: async () => (await import("./commands/status.ts")).StatusCommand,
  },
  {
    words: ["watch"],
    summary: "follow what happens in the project",
    load: async () => (await import("./commands/watch.ts")).WatchCommand,
  },
  {
    words: ["learn"],
    summary: "write down what was learnt, for whoever works on the same thing next",
    load: async () => (await import("./commands/learn.ts")).LearnCommand,
  },
  {
    words: ["decision"],
    summary: "record a decision that others keep to until another supersedes it",
    load: async () => (await import("./commands/decision.ts")).DecisionCommand,
  },
  {
    words: ["save"],
    summary: "save how far the work has come, so that somebody else can go on with it",
    load: async () => (await import("./commands/save.ts")).SaveCommand,
  },
  {
    words: ["resume"],
    summary: "show the latest checkpoint, and what the feature needs next",
    load: async () => (await import("./commands/resume.ts")).ResumeCommand,
  },
  {
    words: ["key", "create"],
    summary: "make another key for yourself, for a program or another machine",
    load: async () => (await import("./commands/key/create.ts")).KeyCreateCommand,
  },
  {
    words: ["key", "list"],
    summary: "list your keys, the newest first",
    load: async () => (await import("./commands/key/list.ts")).KeyListCommand,
  },
  {
    words: ["key", "revoke"],
    summary: "end one of your keys, everywhere within a minute",
    load: async () => (await import("./commands/key/revoke.ts")).KeyRevokeCommand,
  },
  {
    words: ["project", "create"],
    summary: "create a project",
    load: async () => (await import("./commands/project/create.ts")).ProjectCreateCommand,
  },
  {
    words: ["project", "list"],
    summary: "list your projects",
    load: async () => (await import("./commands/project/list.ts")).ProjectListCommand,
  },
  {
    words: ["project", "show"],
    summary: "show a project and its settings",
    load: async () => (await import("./commands/project/show.ts")).ProjectShowCommand,
  },
  {
    words: ["project", "use"],
    summary: "link this repository with a project",
    load: async () => (await import("./commands/project/use.ts")).ProjectUseCommand,
  },
  {
    words: ["project", "settings"],
    summary: "show or change how sessions and claims behave in a project",
    load: async () => (await import("./commands/project/settings.ts")).ProjectSettingsCommand,
  },
  {
    words: ["project", "members"],
    summary: "list a project's members",
    load: async () => (await import("./commands/project/members.ts")).ProjectMembersCommand,
  },
  {
    words: ["project", "add-member"],
    summary: "make a registered engineer a member",
    load: async () => (await import("./commands/project/add-member.ts")).ProjectAddMemberCommand,
  },
  {
    words: ["project", "remove-member"],
    summary: "take a member out of a project",
    load: async () => (await import("./commands/project/remove-member.ts")).ProjectRemoveMemberCommand,
  },
  {
    words: ["project", "delete"],
    summary: "delete a project with everything in it",
    load: async () => (await import("./commands/project/delete.ts")).ProjectDeleteCommand,
  },
  {
    words: ["feature", "create"],
    summary: "create a feature as a draft",
    load: async () => (await import("./commands/feature/create.ts")).FeatureCreateCommand,
  },
  {
    words: ["feature", "list"],
    summary: "list features",
    load: async () => (await import("./commands/feature/list.ts")).FeatureListCommand,
  },
  {
    words: ["feature", "available"],
    summary: "list the features that could be picked now",
    load: async () => (await import("./commands/feature/available.ts")).FeatureAvailableCommand,
  },
  {
    words: ["feature", "show"],
    summary: "show a feature",
    load: async () => (await import("./commands/feature/show.ts")).FeatureShowCommand,
  },
  {
    words: ["feature", "edit"],
    summary: "change a feature",
    load: async () => (await import("./commands/feature/edit.ts")).FeatureEditCommand,
  },
  {
    words: ["feature", "ready"],
    summary: "make a draft ready to be picked",
    load: async () => (await import("./commands/feature/ready.ts")).FeatureReadyCommand,
  },
  {
    words: ["feature", "unready"],
    summary: "make a ready feature a draft again",
    load: async () => (await import("./commands/feature/unready.ts")).FeatureUnreadyCommand,
  },
  {
    words: ["feature", "pick"],
    alias: "pick",
    summary: "take a feature and claim every file it touches",
    load: async () => (await import("./commands/feature/pick.ts")).FeaturePickCommand,
  },
  {
    words: ["feature", "next"],
    alias: "next",
    summary: "take the next feature that is free, and claim every file it touches",
    load: async () => (await import("./commands/feature/next.ts")).FeatureNextCommand,
  },
  {
    words: ["feature", "release"],
    summary: "give a feature back; its files are free at once",
    load: async () => (await import("./commands/feature/release.ts")).FeatureReleaseCommand,
  },
  {
    words: ["feature", "done"],
    alias: "done",
    summary: "complete a feature; its files are free at once",
    load: async () => (await import("./commands/feature/done.ts")).FeatureDoneCommand,
  },
  {
    words: ["feature", "merged"],
    summary: "note that completed work is in the main branch",
    load: async () => (await import("./commands/feature/merged.ts")).FeatureMergedCommand,
  },
  {
    words: ["feature", "cancel"],
    summary: "give a feature up for good",
    load: async () => (await import("./commands/feature/cancel.ts")).FeatureCancelCommand,
  },
  {
    words: ["feature", "delete"],
    summary: "delete a draft",
    load: async () => (await import("./commands/feature/delete.ts")).FeatureDeleteCommand,
  },
  {
    words: ["roadmap", "show"],
    summary: "show what comes next, lane by lane",
    load: async () => (await import("./commands/roadmap/show.ts")).RoadmapShowCommand,
  },
  {
    words: ["roadmap", "reorder"],
    summary: "move a feature within its lane or to another one",
    load: async () => (await import("./commands/roadmap/reorder.ts")).RoadmapReorderCommand,
  },
  {
    words: ["claim", "list"],
    summary: "list what is held in the project, the oldest claim first",
    load: async () => (await import("./commands/claim/list.ts")).ClaimListCommand,
  },
  {
    words: ["claim", "mine"],
    summary: "list what this session holds",
    load: async () => (await import("./commands/claim/mine.ts")).ClaimMineCommand,
  },
  {
    words: ["claim", "check"],
    summary: "tell who holds files, without claiming them",
    load: async () => (await import("./commands/claim/check.ts")).ClaimCheckCommand,
  },
  {
    words: ["claim", "extend"],
    summary: "claim more files for the feature that you hold",
    load: async () => (await import("./commands/claim/extend.ts")).ClaimExtendCommand,
  },
  {
    words: ["claim", "release"],
    summary: "free some of the files that you hold, and go on with the feature",
    load: async () => (await import("./commands/claim/release.ts")).ClaimReleaseCommand,
  },
  {
    words: ["claim", "force-release"],
    summary: "take a feature away from whoever holds it",
    load: async () => (await import("./commands/claim/force-release.ts")).ClaimForceReleaseCommand,
  },
  {
    words: ["knowledge", "search"],
    summary: "search learnings, decisions, checkpoints and specs, the best match first",
    load: async () => (await import("./commands/knowledge/search.ts")).KnowledgeSearchCommand,
  },
  {
    words: ["knowledge", "learnings"],
    summary: "list what was learnt, the newest first",
    load: async () => (await import("./commands/knowledge/learnings.ts")).KnowledgeLearningsCommand,
  },
  {
    words: ["knowledge", "decisions"],
    summary: "list the decisions in force, the newest first",
    load: async () => (await import("./commands/knowledge/decisions.ts")).KnowledgeDecisionsCommand,
  },
  {
    words: ["session", "open"],
    summary: "open a session for an agent",
    load: async () => (await import("./commands/session/open.ts")).SessionOpenCommand,
  },
  {
    words: ["session", "heartbeat"],
    summary: "give a sign of life, so that the session keeps what it holds",
    load: async () => (await import("./commands/session/heartbeat.ts")).SessionHeartbeatCommand,
  },
  {
    words: ["session", "list"],
    summary: "list the open sessions of the project",
    load: async () => (await import("./commands/session/list.ts")).SessionListCommand,
  },
  {
    words: ["session", "show"],
    summary: "show the session that commands here act for, and how it was found",
    load: async () => (await import("./commands/session/show.ts")).SessionShowCommand,
  },
  {
    words: ["session", "close"],
    summary: "end a session; what it holds is free at once",
    load: async () => (await import("./commands/session/close.ts")).SessionCloseCommand,
  },
  {
    words: ["doctor"],
    summary: "look for what is wrong, and say what to do about it",
    load: async () => (await import("./commands/doctor.ts")).DoctorCommand,
  },
  {
    words: ["admin", "reset-key"],
    summary: "make a new key for an engineer who lost theirs, on the server's own machine",
    load: async () => (await import("./commands/admin/reset-key.ts")).AdminResetKeyCommand,
  },
  {
    words: ["completion"],
    summary: "print what makes a shell complete nexus commands: bash, zsh or fish",
    load: async () => (await import("./commands/completion.ts")).CompletionCommand,
  },
  {
    words: ["admin", "backup"],
    summary: "write everything that a server keeps to one file, also while it runs",
    load: async () => (await import("./commands/admin/backup.ts")).AdminBackupCommand,
  },
  {
    words: ["admin", "restore"],
    summary: "load a backup into an empty data folder or an empty database",
    load: async () => (await import("./commands/admin/restore.ts")).AdminRestoreCommand,
  },
  {
    words: ["admin", "move"],
    summary: "bring what is in the data folder to the PostgreSQL that DATABASE_URL names",
    load: async () => (await import("./commands/admin/move.ts")).AdminMoveCommand,
  },
  {
    words: ["version"],
    summary: "print the version, and whether the server's fits",
    load: async () => (await import("./commands/version.ts")).VersionCommand,
  },
];
