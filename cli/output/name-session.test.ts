import { expect, test } from "vitest";
import { nameSession } from "./name-session.ts";

test("what comes next is said for the session that was named", () => {
  const next = "next: nexus done login   (or give it back: nexus feature release login)\n";

  expect(nameSession(next, "S")).toBe(
    "next: nexus done --session S login   (or give it back: nexus feature release --session S login)\n",
  );
  expect(nameSession("next: nexus pick login\n", "S")).toBe("next: nexus pick --session S login\n");
  expect(nameSession("next: nexus next", "S")).toBe("next: nexus next --session S");
});

test("commands that take no session, other lines, and texts without a named session stay as they are", () => {
  for (const text of ["next: nexus feature available", "next: nexus feature list\nheld by nexus done"]) {
    expect(nameSession(text, "S")).toBe(text);
  }
  expect(nameSession("next: nexus done", undefined)).toBe("next: nexus done");
});
