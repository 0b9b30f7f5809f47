import { clientSection } from "./client-section.ts";
import { keeperSection } from "./keeper-section.ts";
import type { Section } from "./section.ts";
import { serverSection } from "./server-section.ts";

/** Every section, in the order in which they are shown. */
export const SECTIONS: readonly Section[] = [clientSection, keeperSection, serverSection];
