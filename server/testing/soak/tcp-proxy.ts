import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A way through the proxy: what the server asks, or what the store answers. */
export type Direction = "requests" | "answers";

/**
 * A stretch of network between one server and one store, on 127.0.0.1, that can be slow, cut, or silent: half-open
 * connections that swallow one direction while nobody is told.
 */
export class TcpProxy {
  /** Every piece of data arrives so much later. */
  delayMs = 0;
  private readonly silent = new Set<Direction>();
  private readonly connections = new Set<Stretch>();

  private constructor(
    private readonly listener: Server,
    readonly port: number,
    /** Where new connections lead. */
    public targetPort: number,
  ) {}

  /** @param port where it listens; 0 for any free one */
  static async start(targetPort: number, port = 0): Promise<TcpProxy> {
    const listener = createServer();
    listener.listen(port, "127.0.0.1");
    await once(listener, "listening");
    const address = listener.address();
    const taken = typeof address === "object" && address !== null ? address.port : 0;
    const proxy = new TcpProxy(listener, taken, targetPort);
    listener.on("connection", (near) => proxy.connect(near));
    return proxy;
  }

  /** Breaks every connection, as if the other side had ended it or had never heard of it; new ones get through. */
  cut(how: "ended" | "reset" = "ended"): void {
    for (const connection of this.connections) connection.end(how);
  }

  /** From now on nothing arrives in these directions, also on new connections, and nobody hears of a broken one. */
  silence(...directions: readonly Direction[]): void {
    for (const direction of directions) this.silent.add(direction);
    this.settle();
  }

  /** Ends the silence. What was sent meanwhile arrives now, late. */
  deliver(): void {
    this.silent.clear();
    this.settle();
  }

  async close(): Promise<void> {
    this.cut();
    const closed = once(this.listener, "close");
    this.listener.close();
    await closed;
  }

  private connect(near: Socket): void {
    const far = connect(this.targetPort, "127.0.0.1");
    const stretch = new Stretch(near, far, () => this.delayMs);
    this.connections.add(stretch);
    stretch.onEnd = () => this.connections.delete(stretch);
    stretch.settle(this.silent);
  }

  private settle(): void {
    for (const connection of this.connections) connection.settle(this.silent);
  }
}

/** One connection through the proxy. */
class Stretch {
  onEnd = (): void => {};
  private silent: ReadonlySet<Direction> = new Set();
  /** A side is gone, which the other has not been told. */
  private gone = false;

  constructor(
    private readonly near: Socket,
    private readonly far: Socket,
    delayMs: () => number,
  ) {
    forward(near, far, delayMs, () => this.sideGone());
    forward(far, near, delayMs, () => this.sideGone());
  }

  settle(silent: ReadonlySet<Direction>): void {
    this.silent = silent;
    pauseOrResume(this.near, silent.has("requests"));
    pauseOrResume(this.far, silent.has("answers"));
    if (this.gone && silent.size === 0) this.end();
  }

  end(how: "ended" | "reset" = "ended"): void {
    if (how === "reset") this.near.resetAndDestroy();
    this.near.destroy();
    this.far.destroy();
    this.onEnd();
  }

  private sideGone(): void {
    this.gone = true;
    if (this.silent.size === 0) this.end();
  }
}

function pauseOrResume(socket: Socket, silent: boolean): void {
  if (silent) socket.pause();
  else socket.resume();
}

/** Sends on what arrives, in order, each piece as late as the delay of that moment asks. */
function forward(from: Socket, to: Socket, delayMs: () => number, gone: () => void): void {
  let last = Promise.resolve();
  const later = (what: () => void) => {
    const ms = delayMs();
    const due = ms === 0 ? Promise.resolve() : new Promise<void>((resolve) => setTimeout(resolve, ms).unref());
    last = Promise.all([last, due]).then(what);
  };
  from.setNoDelay(true);
  from.on("data", (data) => later(() => to.write(data)));
  from.on("end", () => later(() => to.end()));
  from.on("error", () => {});
  from.on("close", () => later(gone));
}
