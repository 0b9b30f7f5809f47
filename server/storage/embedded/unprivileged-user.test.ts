import { chmod, mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { canEnter, findUnprivilegedUser } from "./unprivileged-user.ts";

const line = (name: string, uid: number) => `${name}:x:${uid}:${uid + 1}::/nonexistent:/usr/sbin/nologin\n`;

test("the first of nexus, postgres and nobody that exists is taken, wherever it stands", () => {
  const passwd = line("root", 0) + line("nobody", 65534) + line("postgres", 101) + line("alice", 1000);

  expect(findUnprivilegedUser(passwd)).toEqual({ uid: 101, gid: 102 });
  expect(findUnprivilegedUser(passwd + line("nexus", 900))).toEqual({ uid: 900, gid: 901 });
});

test("an account that is root by another name is not taken", () => {
  expect(findUnprivilegedUser(line("nexus", 0) + line("nobody", 65534))).toEqual({ uid: 65534, gid: 65535 });
});

test("without any of them there is no account", () => {
  expect(findUnprivilegedUser(`${line("root", 0)}broken line\n`)).toBeUndefined();
});

test("a stranger enters a folder only when every folder above lets strangers through", async () => {
  const outer = await mkdtemp(join(tmpdir(), "nexus-enter-"));
  onTestFinished(() => rm(outer, { recursive: true }));
  const inner = join(outer, "inner");
  await mkdir(inner);
  await chmod(inner, 0o711);
  const { uid, gid } = await stat(outer);
  const stranger = { uid: uid + 54_321, gid: gid + 54_321 };

  await chmod(outer, 0o700);
  expect(await canEnter(inner, stranger)).toBe(false);
  expect(await canEnter(inner, { uid, gid: stranger.gid })).toBe(true);
  await chmod(outer, 0o710);
  expect(await canEnter(inner, stranger)).toBe(false);
  expect(await canEnter(inner, { uid: stranger.uid, gid })).toBe(true);
  await chmod(outer, 0o711);
  expect(await canEnter(inner, stranger)).toBe(true);
});
