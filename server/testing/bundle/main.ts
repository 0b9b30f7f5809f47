// The server as tests run it, each in a process of its own: with failpoints that can be armed, leases shorter than users
// may set, a clock that can be wrong (NEXUS_TEST_CLOCK_OFFSET_MS), and a reconciler at another pace
// (NEXUS_TEST_RECONCILE_MS; 0 for never but on call). Nothing of this is in main.js.
import "./shift-clock.ts";
import { readConfig } from "../../config.ts";
import { createLogger } from "../../logger.ts";
import { type NexusServer, serveOver } from "../../server.ts";
import { openStores } from "../../wiring.ts";
import { auditStores } from "../audit-stores.ts";
import type { NumberedOrder, Word } from "./control.ts";
import { arm, disarm, hasFired } from "./failpoint.ts";

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const logger = createLogger(config.logLevel);
  const stores = await openStores(config.stores, logger);
  const reconcileMs = Number(process.env["NEXUS_TEST_RECONCILE_MS"] ?? 1_000);
  const server = await serveOver(stores, config, logger, { reconcileOnCallOnly: reconcileMs === 0, reconcileMs });

  const obey = async (order: NumberedOrder) => {
    switch (order.do) {
      case "arm":
        return arm(order.step, order.action);
      case "disarm":
        return disarm();
      case "fired":
        return hasFired(order.step);
      case "reconcile":
        return server.reconcile();
      case "audit":
        return auditStores(stores, order.projectId);
      case "forget":
        return stores.claimStore.deleteProject(order.projectId);
    }
  };
  process.on("message", (message: NumberedOrder) => {
    obey(message).then(
      (answer) => say({ order: message.order, answer: answer ?? undefined }),
      (error: unknown) => say({ order: message.order, error: String(error) }),
    );
  });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void stop(server, 0));
  // Whoever started it is gone.
  process.on("disconnect", () => void stop(server, 1));
  server.lost.then(() => stop(server, 1));
  process.stderr.write(`Nexus serves on ${server.url}\n`);
}

function say(word: Word): void {
  if (process.connected) process.send?.(word);
}

async function stop(server: NexusServer, code: number): Promise<never> {
  await server.stop().catch(() => {});
  process.exit(code);
}

main().catch((error: unknown) => {
  process.stderr.write(`nexus: ${error instanceof Error ? error.stack : error}\n`);
  process.exit(1);
});
