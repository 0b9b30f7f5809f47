import { createServer as createHttpServer, type ServerResponse } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Session } from "node:http2";
import { type AddressInfo, createServer as createNetServer, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from "node:tls";
import type { Config } from "./config.ts";
import type { NodeHandler } from "./rpc/node-http.ts";
import { readTlsPair, type TlsPair } from "./tls-pair.ts";

/** What every HTTP/2 connection begins with (RFC 9113, section 3.4); no HTTP/1.1 request does. */
const HTTP2_PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/** How long a new connection may take to say which HTTP it speaks, and for the handshake of TLS before. */
const FIRST_BYTES_MS = 10_000;
/** Calls that one HTTP/2 connection may have under way. */
const HTTP2_SETTINGS = { maxConcurrentStreams: 256 };
/** An HTTP/2 connection on which nothing happens for so long is told to end. */
const IDLE_SESSION_MS = 600_000;

/** How a listener ends. */
export interface CloseOptions {
  /**
   * How long an HTTP/1.1 connection without a call is left open. Nothing but an answer can tell its caller to go, and
   * one that is closed just when a call arrives leaves the caller in doubt: whoever is busy calls again within this.
   */
  readonly lingerMs: number;
  /** When calls that still are under way are cut off; counts from the beginning. */
  readonly graceMs: number;
}

/** A port that is being served. */
export interface Listener {
  /** `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly port: number;
  /**
   * Reads certificate and key anew, for the connections to come.
   *
   * @returns what is served from now on; undefined without TLS
   * @throws TlsPairError; then the pair from before stays
   */
  reloadTls(): TlsPair | undefined;
  /**
   * Takes no new connections and finishes the calls under way. Callers are told with GOAWAY (HTTP/2) or `connection:
   * close` in the answer (HTTP/1.1); what comes in before they have heard is answered, or refused in a way that says
   * that nothing was done.
   */
  close(options: CloseOptions): Promise<void>;
}

/**
 * Serves HTTP/1.1 and HTTP/2 on one port: in cleartext told apart by the first bytes, with TLS by ALPN.
 *
 * @throws when the port can't be had; the message names it
 * @throws TlsPairError
 */
export async function listen(config: Pick<Config, "host" | "port" | "tls">, handler: NodeHandler): Promise<Listener> {
  const { tls } = config;
  let closing = false;
  const sessions = new Set<ServerHttp2Session>();
  const answers = new Set<ServerResponse>();
  const sockets = new Set<Socket>();
  /** Connections in cleartext that have not said yet which HTTP they speak. */
  const undecided = new Set<Socket>();
  const http1 = createHttpServer((request, response) => {
    answers.add(response);
    response.on("close", () => answers.delete(response));
    if (closing) sayFarewell(response);
    handler(request, response);
  });
  const http2 = createHttp2Server({ settings: HTTP2_SETTINGS }, handler);
  // It never listens itself; the event starts its watch over idle and slow connections all the same.
  http1.emit("listening");
  http2.on("session", (session) => {
    sessions.add(session);
    session.setTimeout(IDLE_SESSION_MS, () => session.close());
    session.on("close", () => sessions.delete(session));
    session.on("error", () => session.destroy());
    if (closing) session.close();
  });
  const front = tls === undefined ? createNetServer(dispatchByFirstBytes) : createTlsFront(readTlsPair(tls));
  front.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  });

  function createTlsFront({ cert, key }: TlsPair): TlsServer {
    const server = createTlsServer({
      cert,
      key,
      ALPNProtocols: ["h2", "http/1.1"],
      handshakeTimeout: FIRST_BYTES_MS,
      noDelay: true,
    });
    return server.on("secureConnection", (socket: TLSSocket) => {
      socket.on("error", () => socket.destroy());
      (socket.alpnProtocol === "h2" ? http2 : http1).emit("connection", socket);
    });
  }

  function dispatchByFirstBytes(socket: Socket): void {
    undecided.add(socket);
    socket.on("close", () => undecided.delete(socket));
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
      undecided.delete(socket);
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
    url: `${tls === undefined ? "http" : "https"}://${name}:${port}`,
    port,
    reloadTls() {
      if (tls === undefined) return undefined;
      const pair = readTlsPair(tls);
      (front as TlsServer).setSecureContext({ cert: pair.cert, key: pair.key });
      return pair;
    },
    async close({ lingerMs, graceMs }) {
      closing = true;
      const closed = new Promise<void>((resolve) => front.close(() => resolve()));
      for (const session of sessions) session.close();
      for (const response of answers) sayFarewell(response);
      const cut = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      await Promise.race([closed, pause(lingerMs, undefined, { ref: false })]);
      for (const socket of undecided) socket.destroy();
      http1.close();
      const idle = setInterval(() => http1.closeIdleConnections(), 50);
      await closed;
      clearInterval(idle);
      clearTimeout(cut);
    },
  };
}

/** The caller's next call has to come by another connection. */
function sayFarewell(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader("connection", "close");
}
