import { runServerProgram } from "../config/run-server-program.ts";
import type { Check, Section } from "./section.ts";

/** What a server with this command's environment needs: its program looks, since it knows the stores. */
export const serverSection: Section = {
  name: "server",
  async check(context) {
    const { stdout } = await runServerProgram(context, ["admin", "doctor"]);
    return JSON.parse(stdout) as Check[];
  },
};
