// `make demo`: two agents go for overlapping features. Everything is real: a server with embedded stores, started here,
// and the command line. Nothing of it is left afterwards.
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DemoAgent } from "./demo/demo-agent.ts";
import { type DemoServer, ServerStartError, startDemoServer } from "./demo/demo-server.ts";
import { DemoTerminal } from "./demo/demo-terminal.ts";
import { drawScene } from "./demo/scene.ts";
import { StoryError, setTheScene, tellTheStory } from "./demo/story.ts";
import { StoppedError, stopSignal } from "./process/stop-signal.ts";

const SERVER = fileURLToPath(new URL("../../server/dist/main.js", import.meta.url));
const COMMAND_LINE = fileURLToPath(new URL("../../cli/bin/nexus", import.meta.url));
/** All that is taken over from this process's environment: what it says of Nexus or of agents must not play along. */
const PASSED_ON = ["PATH", "HOME", "LANG", "LC_ALL", "TERM", "TMPDIR", "NODE_EXTRA_CA_CERTS"];

async function main(): Promise<number> {
  const signal = stopSignal(() => process.stderr.write("\nstopping; the demo's server first\n"));
  const env = Object.fromEntries(PASSED_ON.flatMap((name) => [[name, process.env[name] ?? ""]]).filter(([, v]) => v));
  const folder = await mkdtemp(join(tmpdir(), "nexus-demo-"));
  let server: DemoServer | undefined;
  try {
    // Also for whom root's PostgreSQL runs as.
    await chmod(folder, 0o711);
    const terminal = new DemoTerminal(signal);
    await terminal.remark("A server of the demo's own starts, with embedded stores.");
    server = await startDemoServer(SERVER, join(folder, "data"), env, signal);
    const agentEnv = { ...env, NEXUS_URL: server.url };
    const agent = (engineer: string, name: string, sessionVariable: string) => {
      const home = join(folder, engineer);
      return new DemoAgent({
        engineer,
        agent: name,
        sessionVariable,
        home,
        program: COMMAND_LINE,
        env: agentEnv,
        signal,
      });
    };
    const cast = {
      ana: agent("ana", "claude", "CLAUDE_CODE_SESSION_ID"),
      ben: agent("ben", "codex", "CODEX_THREAD_ID"),
    };
    const scene = drawScene(Math.random);
    await setTheScene(cast, scene, terminal);
    await tellTheStory(cast, scene, terminal);
    await terminal.remark("That was all; the server and its data are removed.");
    return 0;
  } catch (error) {
    if (signal.reason instanceof StoppedError) return signal.reason.exitCode;
    const expected = error instanceof StoryError || error instanceof ServerStartError;
    const text = error instanceof Error ? (expected ? error.message : (error.stack ?? error.message)) : String(error);
    process.stderr.write(`\ndemo: ${text}\n`);
    if (server !== undefined) process.stderr.write(`the server's last lines:\n${server.logTail()}\n`);
    return 1;
  } finally {
    await server?.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`demo: ${error instanceof Error ? (error.stack ?? error.message) : error}\n`);
    process.exit(1);
  },
);
