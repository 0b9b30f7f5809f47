import { readConfig } from "../config.ts";
import { resetKey } from "../domain/auth/reset-key.ts";
import { createLogger } from "../logger.ts";
import { keyMaker, openDatabase, systemClock } from "../wiring.ts";

/** `admin reset-key <email>`: prints a new key for who lost the only one; every other one of theirs is revoked. */
export async function resetKeyOf(email: string): Promise<number> {
  const config = readConfig(process.env);
  const { database, close } = await openDatabase(config.stores, createLogger("silent"));
  try {
    const { keys } = keyMaker(config);
    const { engineer, apiKey, revokedKeys } = await resetKey({ database, clock: systemClock, keys }, email);
    process.stderr.write(
      `${engineer.email}: ${revokedKeys} key(s) revoked, effective within a minute. The new key, shown this once:\n`,
    );
    process.stdout.write(`${apiKey}\n`);
    return 0;
  } finally {
    await close();
  }
}
