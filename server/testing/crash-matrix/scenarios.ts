import type { Scenario } from "./cell.ts";
import { ends } from "./scenarios/ends.ts";
import { outlives } from "./scenarios/outlived.ts";
import { picks } from "./scenarios/picks.ts";
import { recovery } from "./scenarios/recovery.ts";
import { sessions } from "./scenarios/sessions.ts";

/** Every situation of the crash matrix; together they go through every failpoint (a test holds them to it). */
export const SCENARIOS: readonly Scenario[] = [...picks, ...ends, ...sessions, ...recovery, ...outlives];
