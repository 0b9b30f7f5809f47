import { execFile, spawn } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, inject, onTestFinished, test } from "vitest";
import { startNexus } from "../testing/start-nexus.ts";
import { openWorkplace } from "../testing/workplace.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const CLIENT = fileURLToPath(new URL("../testing/grpcio_client.py", import.meta.url));

/** Debian's packages are for Debian's Python, which need not be the first on PATH. */
const PYTHONS = ["/usr/bin/python3", "python3"];

/** A Python with the gRPC library; undefined where there is none. */
async function findPython(): Promise<string | undefined> {
  for (const python of PYTHONS) {
    if (await run(python, ["-c", "import grpc, google.protobuf"]).catch(() => undefined)) return python;
  }
  return undefined;
}

/** The protos, compiled. */
async function compiledProtos(): Promise<string> {
  const file = join(await mkdtemp(join(inject("scratchDir"), "grpcio-")), "nexus.binpb");
  await run("buf", ["build", "-o", file], { cwd: root, timeout: 30_000 });
  return file;
}

test("gRPC's own Python library asks for the health and follows the events", async (context) => {
  const python = await findPython();
  if (python === undefined) return context.skip("python3-grpcio and python3-protobuf are not installed");
  const descriptors = await compiledProtos();
  const nexus = await startNexus("embedded");
  const { ana, projectId, ready } = await openWorkplace(nexus);
  const client = spawn(python, [CLIENT, descriptors, new URL(nexus.url).host, ana.key, projectId]);
  onTestFinished(() => {
    client.kill();
  });
  let complaint = "";
  client.stderr.on("data", (text: Buffer) => {
    complaint += text.toString();
  });
  const lines: unknown[] = [];
  createInterface(client.stdout).on("line", (line) => lines.push(JSON.parse(line)));
  const ended = new Promise((resolve) => client.once("close", resolve));
  const said = () => (complaint === "" ? lines : complaint);

  await expect
    .poll(said)
    .toEqual([
      { status: "SERVING" },
      { bookmark: { projectId } },
      { event: expect.objectContaining({ sequence: "1", member: expect.anything() }) },
    ]);
  await ready("login", ["src/auth.ts"]);
  await expect.poll(said).toHaveLength(5);
  expect(lines[4]).toMatchObject({ event: { featureSlug: "login", feature: { to: "FEATURE_STATUS_READY" } } });
  await nexus.server.stop();
  await ended;

  expect(lines[5]).toEqual({ code: "UNAVAILABLE", draining: true });
});
