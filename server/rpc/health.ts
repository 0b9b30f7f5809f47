import type { ServiceImpl } from "@connectrpc/connect";
import {
  type Health as HealthService,
  HealthCheckResponse_ServingStatus as Status,
} from "@nexus/gen/grpc/health/v1/health_pb";
import { LimitExceededError, ResourceNotFoundError } from "../domain/errors.ts";

/** Watches at a time; anybody may ask, without a key. */
const MAX_WATCHES = 100;

/** Whether this server serves: it does not while a store is away, and when it shuts down. */
export class ServerHealth {
  private serving = true;
  private drained = false;
  private changed = Promise.withResolvers<void>();
  watches = 0;

  /** @param ask whether every store answers */
  constructor(private readonly ask: () => Promise<boolean>) {}

  /** Whether it serves now. */
  async check(): Promise<boolean> {
    this.set(!this.drained && (await this.ask()) && !this.drained);
    return this.serving;
  }

  /** To be called now and then: tells those who watch. */
  async tick(): Promise<void> {
    if (this.watches > 0) await this.check();
  }

  /** The server shuts down. */
  drain(): void {
    this.drained = true;
    this.set(false);
  }

  /** Whether it serves: now, and at every change; until it shuts down, or the signal is aborted. */
  async *changes(signal: AbortSignal): AsyncGenerator<boolean, void> {
    if (this.watches >= MAX_WATCHES) {
      throw new LimitExceededError("watches of the server's health at a time", MAX_WATCHES, "use Check");
    }
    this.watches++;
    const wake = () => this.wake();
    signal.addEventListener("abort", wake);
    try {
      for (let told = !(await this.check()); !signal.aborted; ) {
        const { promise } = this.changed;
        if (told !== this.serving) {
          told = this.serving;
          yield told;
        } else if (this.drained) return;
        else await promise;
      }
    } finally {
      this.watches--;
      signal.removeEventListener("abort", wake);
    }
  }

  private set(serving: boolean): void {
    if (serving === this.serving && !this.drained) return;
    this.serving = serving;
    this.wake();
  }

  private wake(): void {
    const { resolve } = this.changed;
    this.changed = Promise.withResolvers();
    resolve();
  }
}

/** The standard health service: all services of this server are as the server is. */
export function healthService(health: ServerHealth, services: ReadonlySet<string>): ServiceImpl<typeof HealthService> {
  const isKnown = (service: string) => service === "" || services.has(service);
  return {
    async check({ service }) {
      if (!isKnown(service)) throw new ResourceNotFoundError("service", service);
      return { status: statusOf(await health.check()) };
    },

    async *watch({ service }, context) {
      for await (const serving of health.changes(context.signal)) {
        yield { status: isKnown(service) ? statusOf(serving) : Status.SERVICE_UNKNOWN };
      }
    },
  };
}

function statusOf(serving: boolean): Status {
  return serving ? Status.SERVING : Status.NOT_SERVING;
}
