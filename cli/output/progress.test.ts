import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Progress } from "./progress.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** What progress shows of work that takes so many milliseconds. */
async function shownOf(ms: number, width: number | undefined): Promise<string> {
  const stream = new PassThrough();
  const progress = new Progress(stream, { width, color: false });
  const work = progress.during("waiting for http://nexus", new Promise<void>((resolve) => setTimeout(resolve, ms)));
  await vi.advanceTimersByTimeAsync(ms);
  await work;
  return String(stream.read() ?? "").replaceAll("\u001b", "<esc>");
}

test("what takes longer than a second is told on one line, which is gone at the end", async () => {
  const line = "\r<esc>[Kwaiting for http://nexus, ";

  expect(await shownOf(2_500, 80)).toBe(`${line}1 s${line}2 s\r<esc>[K`);
});

test("nothing is told in the first second, nor outside of a terminal", async () => {
  expect(await shownOf(900, 80)).toBe("");
  expect(await shownOf(5_000, undefined)).toBe("");
});

test("the line is cut where the terminal would break it", async () => {
  expect(await shownOf(1_500, 20)).toBe("\r<esc>[Kwaiting for http:/…\r<esc>[K");
});

test("many short waits in a row are one long one, and two at the same time are told once", async () => {
  const stream = new PassThrough();
  const progress = new Progress(stream, { width: 80, color: false });
  const wait = (ms: number) => progress.during("page", new Promise<void>((resolve) => setTimeout(resolve, ms)));
  const work = (async () => {
    for (let page = 0; page < 3; page += 1) await wait(500);
    await Promise.all([wait(100), wait(600)]);
  })();
  await vi.advanceTimersByTimeAsync(2_100);
  await work;

  const line = "\r\u001b[K";
  expect(String(stream.read())).toBe(`${line}page, 1 s${line}${line}page, 2 s${line}`);
});
