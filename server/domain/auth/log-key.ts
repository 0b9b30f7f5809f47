import type { Transaction } from "../database.ts";
import type { Author, KeyEvent } from "../events/event.ts";
import type { ApiKey } from "./api-key.ts";

/** Tells every project of a key's engineer that it was made or revoked. */
export async function logKey(
  tx: Transaction,
  author: Author,
  change: KeyEvent["change"],
  { engineerId, lastFour }: Pick<ApiKey, "engineerId" | "lastFour">,
  time: Date,
): Promise<void> {
  for (const projectId of await tx.projects.listIds(engineerId)) {
    tx.events.append({ ...author, projectId, time, payload: { kind: "key", change, lastFour } });
  }
}
