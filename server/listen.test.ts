import { once } from "node:events";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, get, type IncomingMessage } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { type Listener, listen } from "./listen.ts";
import { TlsPairError } from "./tls-pair.ts";

const FIXTURES = fileURLToPath(new URL("testing/fixtures/tls", import.meta.url));
const NEVER_MS = 3_600_000;

async function start(tls?: { certFile: string; keyFile: string }): Promise<Listener> {
  const listener = await listen({ host: "127.0.0.1", port: 0, tls }, (request, response) => {
    response.statusCode = 200;
    response.end(`HTTP/${request.httpVersion}`);
  });
  onTestFinished(() => listener.close({ lingerMs: 0, graceMs: 0 }));
  return listener;
}

test("a call on an open HTTP/1.1 connection is answered while the listener closes, and told to go", async () => {
  const listener = await start();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const call = async () => {
    const [response] = (await once(get(listener.url, { agent }), "response")) as [IncomingMessage];
    response.resume();
    await once(response, "end");
    return response;
  };
  expect((await call()).headers.connection).toBe("keep-alive");

  const closed = listener.close({ lingerMs: NEVER_MS, graceMs: NEVER_MS });

  expect((await call()).headers.connection).toBe("close");
  await closed;
  await expect(call()).rejects.toThrow(/ECONNREFUSED/);
});

test("a connection that never says anything does not keep the listener from closing", async () => {
  const listener = await start();
  const socket = connect({ port: listener.port, host: "127.0.0.1" });
  await once(socket, "connect");

  await listener.close({ lingerMs: 0, graceMs: NEVER_MS });
});

/** A folder with copies of a pair, and how it is replaced. */
function pairFolder() {
  const folder = mkdtempSync(join(tmpdir(), "nexus-tls-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const files = { certFile: join(folder, "tls.crt"), keyFile: join(folder, "tls.key") };
  const put = (cert: string, key: string) => {
    copyFileSync(join(FIXTURES, cert), files.certFile);
    copyFileSync(join(FIXTURES, key), files.keyFile);
  };
  put("old.crt", "old.key");
  return { files, put };
}

/** The name in the certificate that a new connection is shown. */
async function nameShown({ port }: Listener): Promise<string | undefined> {
  const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return typeof subject.CN === "string" ? subject.CN : undefined;
}

test("both versions of HTTP are spoken over TLS on one port", async () => {
  const listener = await start(pairFolder().files);
  const session = connectHttp2(listener.url, { rejectUnauthorized: false });
  const stream = session.request({ ":path": "/" }).setEncoding("utf8");
  const [answer] = await once(stream, "data");
  session.close();
  const socket = connectTls({ port: listener.port, host: "127.0.0.1", rejectUnauthorized: false });
  socket.end("GET / HTTP/1.1\r\nhost: nexus\r\nconnection: close\r\n\r\n");

  expect(answer).toBe("HTTP/2.0");
  expect(String(await once(socket, "data"))).toMatch(/^HTTP\/1.1 200 /);
});

test("a pair that was renewed is served to new connections", async () => {
  const { files, put } = pairFolder();
  const listener = await start(files);
  expect(await nameShown(listener)).toBe("old.nexus.test");

  put("new.crt", "new.key");
  const pair = listener.reloadTls();

  expect(pair?.expireTime.getUTCFullYear()).toBeGreaterThan(2100);
  expect(await nameShown(listener)).toBe("new.nexus.test");
});

test.each([
  ["of two halves that don't belong together", "new.crt", "old.key", /tls\.key is not the key of .*tls\.crt/],
  ["that has expired", "expired.crt", "old.key", /tls\.crt expired at 2020-01-02/],
  ["whose certificate is none", "old.key", "old.key", /tls\.crt is no certificate/],
])("a pair %s is refused, and the one from before stays", async (_what, cert, key, message) => {
  const { files, put } = pairFolder();
  const listener = await start(files);

  put(cert, key);

  expect(() => listener.reloadTls()).toThrow(message);
  expect(await nameShown(listener)).toBe("old.nexus.test");
});

test("a key that can't be understood ends the start, naming its file", async () => {
  const { files } = pairFolder();
  writeFileSync(files.keyFile, "");
  await expect(start(files)).rejects.toThrow(TlsPairError);
});
