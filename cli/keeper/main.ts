// The keeper's own program, started by commands that pick a feature: `node keeper.cjs <id> <server>`. See
// docs/sessions.md.
import { setTimeout as pause } from "node:timers/promises";
import { createNexusClient, type NexusClient } from "@nexus/client";
import { chooseServer } from "../config/choose-server.ts";
import { readConfig } from "../config/config-file.ts";
import { systemProcessTable } from "../session/process-table.ts";
import { SessionStore } from "../session/session-store.ts";
import { VERSION } from "../version.ts";
import { Keeper } from "./keeper.ts";
import { KeeperLog } from "./keeper-log.ts";
import { isServing, KeeperRecords } from "./keeper-record.ts";

/** How often it looks: an agent that died is noticed so soon. */
const TICK_MS = 1_000;

async function main([id = "", server = ""]: readonly string[]): Promise<void> {
  process.title = "nexus-keeper";
  const { env } = process;
  const records = new KeeperRecords(env);
  const processes = () => systemProcessTable(process.platform);
  const { machine } = processes();
  if (isServing(records.read(id), VERSION, processes())) return;
  const own = processes().find(process.pid);
  const self = { pid: process.pid, startTime: own?.startTime ?? "", machine };
  let record = records.claim({ id, server }, self, VERSION, new Date());

  const log = new KeeperLog(records.logPath(id));
  const say = (text: string) => log.write(`${process.pid} ${text}`);
  let caller: { readonly key: string | undefined; readonly client: NexusClient } | undefined;
  const keeper = new Keeper({
    store: new SessionStore(env),
    id,
    processes,
    client() {
      const key = keyFor(server);
      if (caller === undefined || caller.key !== key) {
        caller = { key, client: createNexusClient({ baseUrl: server, apiKey: key, binary: true }) };
      }
      return caller.client;
    },
    now: () => new Date(),
    log: say,
  });
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      say(`ends by ${signal}; what it kept lapses unless a command starts another keeper`);
      records.release(record);
      process.exit(0);
    });
  }
  process.on("SIGHUP", () => {});

  say(`starts, version ${VERSION}, for ${server}`);
  const look = () => {
    try {
      keeper.tick();
    } catch (error) {
      // A disk that is full, say; it may not be in a second.
      say(String(error));
    }
  };
  for (;;) {
    // Another one was started at the same time or by a newer version, or the folder was removed.
    if (!records.isCurrent(record)) break;
    look();
    if (keeper.size === 0) {
      // Whoever saves a session now finds no keeper and starts one; who did before is found here.
      records.release(record);
      look();
      if (keeper.size === 0) break;
      if (isServing(records.read(id), VERSION, processes())) break;
      record = records.claim({ id, server }, self, VERSION, new Date());
    }
    await pause(TICK_MS);
  }
  caller?.client.close();
}

/** The key as it is kept now: a login changes it, to that of somebody else perhaps. */
function keyFor(server: string): string | undefined {
  const { env } = process;
  return chooseServer({ ...env, NEXUS_URL: server }, readConfig(env), undefined).apiKey;
}

main(process.argv.slice(2)).then(
  () => process.exit(0),
  () => process.exit(1),
);
