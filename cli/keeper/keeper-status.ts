import type { JsonObject } from "@bufbuild/protobuf";
import { type ProcessTable, systemProcessTable } from "../session/process-table.ts";
import { SessionStore, type StoredSession } from "../session/session-store.ts";
import { isRunning } from "../session/worker-process.ts";
import { KeeperRecords } from "./keeper-record.ts";

/** A session that a keeper of this machine's user keeps, or should keep. */
export interface KeptStatus {
  readonly sessionId: string;
  readonly projectId: string;
  /** The pid of the process that is watched; undefined where none could be told. */
  readonly watched: number | undefined;
}

/** A keeper, and what belongs to it. */
export interface KeeperStatus {
  readonly server: string;
  /** Undefined when no keeper says it is there, although sessions count on it. */
  readonly pid: number | undefined;
  readonly version: string;
  readonly running: boolean;
  readonly sessions: readonly KeptStatus[];
}

/**
 * The keepers of this user on this machine, with the sessions that each keeps. One that does not run although it has
 * sessions is a fault: nothing renews them until the next command of one of them starts another.
 */
export function keeperStatuses(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): readonly KeeperStatus[] {
  const processes = systemProcessTable(platform);
  const store = new SessionStore(env);
  const stored = store.list().flatMap(({ sessionId }) => store.read(sessionId) ?? []);
  const kept = Map.groupBy(
    stored.filter(({ held, lost, keeping }) => held !== undefined && !lost && keeping !== undefined),
    ({ keeping }) => keeping?.keeper ?? "",
  );
  const records = new Map(new KeeperRecords(env).list().map((record) => [record.id, record]));
  return [...new Set([...records.keys(), ...kept.keys()])].flatMap((id) => {
    const record = records.get(id);
    const sessions = kept.get(id) ?? [];
    if (!isHere(record?.process.machine ?? sessions[0]?.keeping?.process?.machine, processes)) return [];
    return {
      server: record?.server ?? sessions[0]?.server ?? "",
      pid: record?.process.pid,
      version: record?.version ?? "",
      running: record !== undefined && isRunning(record.process, processes),
      sessions: sessions.map(statusOf),
    };
  });
}

/** A state folder may be shared by machines, and outlive a boot. */
function isHere(machine: string | undefined, processes: ProcessTable): boolean {
  return machine === undefined || machine === processes.machine;
}

function statusOf({ sessionId, projectId, keeping }: StoredSession): KeptStatus {
  return { sessionId, projectId, watched: keeping?.process?.pid };
}

/** How one session is kept; undefined when it is not. */
export interface KeptBy {
  readonly pid: number | undefined;
  readonly running: boolean;
  readonly watched: number | undefined;
}

/** Who keeps a session. */
export function keptBy(sessionId: string, keepers: readonly KeeperStatus[]): KeptBy | undefined {
  for (const { pid, running, sessions } of keepers) {
    const kept = sessions.find((session) => session.sessionId === sessionId);
    if (kept !== undefined) return { pid, running, watched: kept.watched };
  }
  return undefined;
}

/** The same for programs: null where there is nothing to say. */
export function keptByJson(kept: KeptBy | undefined): JsonObject | null {
  return kept === undefined ? null : { pid: kept.pid ?? null, running: kept.running, watched: kept.watched ?? null };
}

/** The same in a few words. */
export function describeKept({ pid, running, watched }: KeptBy): string {
  if (!running) return "by nobody: its keeper has ended; the next command of the session starts another";
  return `by process ${pid}, which watches ${watched === undefined ? "no process" : `process ${watched}`}`;
}
