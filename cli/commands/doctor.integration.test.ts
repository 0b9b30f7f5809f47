import { join } from "node:path";
import { expect, test } from "vitest";
import { newFolder } from "../../server/testing/new-folder.ts";
import { Person } from "../testing/cli-world.ts";

test("doctor says what it found and what to do, with an exit code that a script can rely on", async () => {
  const folder = await newFolder("doctor");
  const ana = new Person(folder, "ana", "http://127.0.0.1:1");
  const healthy = await ana.run(["doctor", "server"], { env: { NEXUS_DATA_DIR: join(folder, "none"), PORT: "0" } });
  expect(healthy).toMatchObject({ exitCode: 0, stderr: "" });
  expect(healthy.stdout).toMatch(/^server\n {2}ok +configuration +stores are embedded\n/);

  const sick = await ana.run(["doctor", "server"], { env: { PORT: "none" } });
  expect(sick.exitCode).toBe(1);
  expect(sick.stdout).toMatch(/failure {2}PORT {2}"none" is not a port: .*\n +next: set PORT/);
  const asJson = await ana.run(["doctor", "--json"], { env: { PORT: "none" } });
  expect(asJson.exitCode).toBe(1);
  expect(JSON.parse(asJson.stdout).sections[0]).toMatchObject({ name: "server", checks: [{ state: "failure" }] });
  expect((await ana.run(["doctor", "nothing"])).exitCode).toBe(2);
});
