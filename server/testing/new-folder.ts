import { chmod, mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { inject } from "vitest";

/**
 * A folder in the run's scratch folder, where what a failed test leaves behind is ended and removed. The account that
 * runs PostgreSQL for root may enter it; otherwise root's database would lie below /var/lib/nexus, and stay there.
 */
export async function newFolder(name: string): Promise<string> {
  const folder = await mkdtemp(join(inject("scratchDir"), `${name}-`));
  await chmod(folder, 0o711);
  return folder;
}
