import { readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** The ids under which a process runs. */
export interface UnixAccount {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root; these system users may run it instead, the first that exists. */
const CANDIDATES = ["nexus", "postgres", "nobody"];

/**
 * The account that PostgreSQL runs under when this process is root.
 *
 * @param passwd the text of /etc/passwd
 * @returns undefined when none of the candidates exists
 */
export function findUnprivilegedUser(passwd: string): UnixAccount | undefined {
  const accounts = new Map<string, UnixAccount>();
  for (const line of passwd.split("\n")) {
    const [name, , uid, gid] = line.split(":");
    if (name && uid && gid && /^\d+$/.test(uid) && /^\d+$/.test(gid) && Number(uid) !== 0) {
      accounts.set(name, { uid: Number(uid), gid: Number(gid) });
    }
  }
  const name = CANDIDATES.find((candidate) => accounts.has(candidate));
  return name === undefined ? undefined : accounts.get(name);
}

/** `findUnprivilegedUser` of this machine. */
export async function unprivilegedUser(): Promise<UnixAccount | undefined> {
  return findUnprivilegedUser(await readFile("/etc/passwd", "utf8"));
}

/**
 * Whether the account may enter this folder and every folder above it, by their mode bits alone (extra rights given
 * by access control lists are not seen: the answer is then false where true would do).
 */
export async function canEnter(folder: string, account: UnixAccount): Promise<boolean> {
  for (let path = folder; ; path = dirname(path)) {
    const { mode, uid, gid } = await stat(path);
    const executeBit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & executeBit) === 0) {
      return false;
    }
    if (path === dirname(path)) {
      return true;
    }
  }
}
