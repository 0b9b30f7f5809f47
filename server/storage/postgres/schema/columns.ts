import { customType, timestamp } from "drizzle-orm/pg-core";

/** A point in time, to the millisecond, so that it survives the way through a JavaScript Date and back unchanged. */
export const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: "date" });

/** Bytes. */
export const bytes = customType<{ data: Uint8Array; driverData: Uint8Array }>({
  dataType: () => "bytea",
});
