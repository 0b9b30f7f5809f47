/** How an agent can be recognised in the environment of the commands that it runs. */
export interface AgentEnvironment {
  /** The name that others are shown. */
  readonly agent: string;
  /** Variables that hold the agent's own session id, the one to trust first. */
  readonly sessionIds: readonly string[];
  /** Variables that only say that this agent is at work. */
  readonly markers: readonly string[];
}

/**
 * In the order in which they are looked at. One agent started by another inherits the other's variables, and nothing
 * tells which is the inner one; NEXUS_SESSION settles it.
 */
export const AGENT_ENVIRONMENTS: readonly AgentEnvironment[] = [
  // Documented for shell commands and stdio MCP servers; equal to the session_id of its hooks.
  { agent: "claude", sessionIds: ["CLAUDE_CODE_SESSION_ID"], markers: ["CLAUDECODE"] },
  // CODEX_THREAD_ID is set for shell commands since the beginning of 2026, not for MCP servers. CODEX_SESSION_ID was
  // proposed and is set by wrappers only. CODEX_SANDBOX is set while commands run in its sandbox.
  { agent: "codex", sessionIds: ["CODEX_THREAD_ID", "CODEX_SESSION_ID"], markers: ["CODEX_SANDBOX"] },
  // Named in its changelog for shell commands and MCP servers.
  { agent: "copilot", sessionIds: ["COPILOT_AGENT_SESSION_ID"], markers: [] },
  // CURSOR_AGENT marks the commands of its agent. The conversation's id is known from its hooks; that commands get it
  // is not documented. CURSOR_TRACE_ID belongs to a window, not to an agent, so it is not used.
  { agent: "cursor", sessionIds: ["CURSOR_CONVERSATION_ID"], markers: ["CURSOR_AGENT"] },
  // GEMINI_SESSION_ID is documented for hooks; GEMINI_CLI for shell commands.
  { agent: "gemini", sessionIds: ["GEMINI_SESSION_ID"], markers: ["GEMINI_CLI"] },
  // OPENCODE marks its commands; the id is set by plugins, if at all.
  { agent: "opencode", sessionIds: ["OPENCODE_SESSION_ID"], markers: ["OPENCODE"] },
];
