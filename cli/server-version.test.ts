import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { askServerVersion, fitOf } from "./server-version.ts";
import { VERSION } from "./version.ts";

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function answering(body: string | undefined): Promise<string> {
  const server = createServer((_request, response) => {
    if (body !== undefined) response.end(body);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test.each([
  ["0.1.0", "0.1.9", "fits"],
  ["0.1.0", "0.2.0", "server-is-newer"],
  ["0.2.0", "0.1.9", "server-is-older"],
  ["0.9.0", "1.0.0", "server-is-newer"],
  ["1.0.0", "0.9.0", "server-is-older"],
  ["1.2.0", "1.9.3-beta.1", "fits"],
  ["2.0.0", "10.0.0", "server-is-newer"],
])("to the command line %s a server %s: %s", (own, servers, fit) => {
  expect(fitOf(own, servers)).toBe(fit);
});

test("the server's version is what its /health says", async () => {
  const url = await answering(JSON.stringify({ status: "ok", version: VERSION }));

  expect(await askServerVersion(url, 5_000)).toEqual({ kind: "known", version: VERSION, fit: "fits" });
});

test.each(['{"status":"ok"}', "<h1>hello</h1>", "null", '{"version":"\\u001b[31m"}', '{"version":1}'])(
  "%s tells no version",
  async (body) => {
    expect(await askServerVersion(await answering(body), 5_000)).toEqual({ kind: "untold" });
  },
);

test("a server that says nothing is away", async () => {
  expect(await askServerVersion(await answering(undefined), 100)).toEqual({ kind: "away" });
});
