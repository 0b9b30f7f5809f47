/**
 * Every step at which a test can make something happen: a crash, a store that does not answer, a delay, a broken
 * connection to the caller. CLAIMS sections 4 and 5 in order; `after-…` is where the effect is there and its answer is
 * what gets lost.
 */
export const FAILPOINTS = [
  // A pick, and a take-over, which is one.
  "pick.before-claim",
  "pick.after-claim",
  "pick.in-commit",
  "pick.after-commit",
  "pick.before-undo",
  "pick.before-confirm",
  "pick.after-confirm",
  "pick.before-answer",
  "extend.before-claim",
  "extend.after-claim",
  "extend.in-commit",
  "extend.after-commit",
  "extend.before-undo",
  "extend.before-confirm",
  "extend.before-answer",
  // Done, release, and cancel by the holder.
  "end.before-commit",
  "end.in-commit",
  "end.after-commit",
  "end.after-free",
  "end.before-answer",
  // Cancel by an owner.
  "cancel.before-commit",
  "cancel.in-commit",
  "cancel.after-commit",
  "cancel.after-drain",
  "force-release.before-commit",
  "force-release.in-commit",
  "force-release.after-commit",
  "force-release.after-drain",
  "release-paths.before-commit",
  "release-paths.in-commit",
  "release-paths.after-commit",
  "release-paths.after-retain",
  "release-paths.before-answer",
  "open-session.before-lease",
  "open-session.after-lease",
  "open-session.in-commit",
  "open-session.after-commit",
  "open-session.before-undo",
  "open-session.before-answer",
  "heartbeat.after-lease",
  // Expire(session), CloseSession, and the end of a removed member's sessions.
  "end-session.before-commit",
  "end-session.in-commit",
  "end-session.after-commit",
  "end-session.after-lease",
  "end-session.before-answer",
  // Void or confirm what nobody reported the fate of.
  "settle.before-void",
  "settle.after-void",
  "settle.after-free",
  "rebuild.before-epoch",
  "rebuild.after-epoch",
  "rebuild.after-begin",
  "rebuild.after-sessions",
  "rebuild.before-ready",
  "rebuild.after-ready",
  "rebuild.before-answer",
  "reconcile.before-look",
  "reconcile.after-look",
  "reconcile.after-drained",
  "reconcile.after-outbox",
  "reconcile.after-retain",
  "reconcile.after-drain",
] as const;

/** The name of such a step. */
export type Failpoint = (typeof FAILPOINTS)[number];

/**
 * Marks a step. It does nothing, and the bundler leaves nothing of it: the bundle for tests has another function in its
 * place (scripts/build.mjs).
 */
export function failpoint(_step: Failpoint): void | Promise<void> {}
