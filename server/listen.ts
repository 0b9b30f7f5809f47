import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttp2Server, createSecureServer, type ServerHttp2Session } from "node:http2";
import { type AddressInfo, createServer as createNetServer, type Server, type Socket } from "node:net";
import type { Config } from "./config.ts";
import type { NodeHandler } from "./rpc/node-http.ts";

/** What every HTTP/2 connection begins with (RFC 9113, section 3.4); no HTTP/1.1 request does. */
const HTTP2_PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/** How long a new connection may take to say which HTTP it speaks. */
const FIRST_BYTES_MS = 10_000;
/** Calls that one HTTP/2 connection may have under way. */
const HTTP2_SETTINGS = { maxConcurrentStreams: 256 };
/** An HTTP/2 connection on which nothing happens for so long is told to end. */
const IDLE_SESSION_MS = 600_000;

/** A port that is being served. */
export interface Listener {
  /** `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly port: number;
  /** Takes no new calls, waits for those under way for at most so long, then cuts what is left. */
  close(graceMs: number): Promise<void>;
}

/**
 * Serves HTTP/1.1 and HTTP/2 on one port: in cleartext told apart by the first bytes, with TLS by ALPN.
 *
 * @throws when the port can't be had; the message names it
 */
export async function listen(config: Pick<Config, "host" | "port" | "tls">, handler: NodeHandler): Promise<Listener> {
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<Socket>();
  const http1 = createHttpServer(handler);
  const http2 =
    config.tls === undefined
      ? createHttp2Server({ settings: HTTP2_SETTINGS }, handler)
      : createSecureServer(
          {
            settings: HTTP2_SETTINGS,
            allowHTTP1: true,
            cert: readFileSync(config.tls.certFile),
            key: readFileSync(config.tls.keyFile),
          },
          handler,
        );
  // It never listens itself; the event starts its watch over idle and slow connections all the same.
  http1.emit("listening");
  http2.on("session", (session) => {
    sessions.add(session);
    session.setTimeout(IDLE_SESSION_MS, () => session.close());
    session.on("close", () => sessions.delete(session));
    session.on("error", () => session.destroy());
  });
  const front: Server =
    config.tls === undefined ? createNetServer((socket) => dispatch(socket)) : (http2 as unknown as Server);
  front.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  });

  function dispatch(socket: Socket): void {
    socket.setNoDelay(true);
    socket.setTimeout(FIRST_BYTES_MS, () => socket.destroy());
    let seen = Buffer.alloc(0);
    const onReadable = () => {
      for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
        seen = Buffer.concat([seen, chunk]);
      }
      const length = Math.min(seen.length, HTTP2_PREFACE.length);
      if (length === 0) return;
      const mayBeHttp2 = seen.subarray(0, length).equals(HTTP2_PREFACE.subarray(0, length));
      if (mayBeHttp2 && length < HTTP2_PREFACE.length) return;
      socket.removeListener("readable", onReadable);
      socket.setTimeout(0);
      socket.unshift(seen);
      (mayBeHttp2 ? http2 : http1).emit("connection", socket);
    };
    socket.on("readable", onReadable);
  }

  await new Promise<void>((resolve, reject) => {
    front.once("error", reject);
    front.listen(config.port, config.host, () => {
      front.off("error", reject);
      resolve();
    });
  });
  const { port } = front.address() as AddressInfo;
  const name = config.host.includes(":") ? `[${config.host}]` : config.host;

  return {
    url: `${config.tls === undefined ? "http" : "https"}://${name}:${port}`,
    port,
    async close(graceMs) {
      const closed = new Promise<void>((resolve) => front.close(() => resolve()));
      for (const session of sessions) session.close();
      http1.close();
      const idle = setInterval(() => http1.closeIdleConnections(), 50);
      const cut = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      await closed;
      clearInterval(idle);
      clearTimeout(cut);
    },
  };
}
