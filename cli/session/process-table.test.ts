import { expect, test } from "vitest";
import { parsePs, parseStat, systemProcessTable } from "./process-table.ts";

test("a process is read from /proc whatever its name holds", () => {
  const stat = "4242 (a) b (c) S 41 42 40 34816 42 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2 3";

  expect(parseStat(stat)).toEqual({
    pid: 4242,
    parent: 41,
    leader: 40,
    hasTerminal: true,
    isZombie: false,
    startTime: "987654",
  });
  expect(parseStat(stat.replace(" S ", " Z "))?.isZombie).toBe(true);
  expect(parseStat(stat.replace("34816", "0"))?.hasTerminal).toBe(false);
});

test("the session leader is the nearest ancestor that ps marks", () => {
  const entries = parsePs(
    [
      "    1     0 ??       Ss   Mon Nov  2 08:00:00 2026",
      "  300     1 ttys001  Ss   Mon Nov  2 09:00:00 2026",
      "  301   300 ttys001  S+   Mon Nov  2 09:00:01 2026",
      "  400     1 ??       S    Mon Nov  2 09:00:02 2026",
    ].join("\n"),
  );

  expect(entries.get(301)).toEqual({
    pid: 301,
    parent: 300,
    leader: 300,
    hasTerminal: true,
    isZombie: false,
    startTime: "Mon Nov 2 09:00:01 2026",
  });
  expect(entries.get(400)).toMatchObject({ leader: 1, hasTerminal: false });
});

test("this process and its session leader are found on this machine", () => {
  const table = systemProcessTable(process.platform);
  const own = table.find(process.pid);

  expect(own?.parent).toBe(process.ppid);
  expect(own?.startTime).not.toBe("");
  expect(table.find(2 ** 30)).toBeUndefined();
  expect([process.pid, 1, 2 ** 30, 0].map(table.exists)).toEqual([true, true, false, false]);
});
