import { keeperStatuses } from "../keeper/keeper-status.ts";
import type { Check, Section } from "./section.ts";

/** The processes that renew what this user's sessions on this machine hold. */
export const keeperSection: Section = {
  name: "keeper",
  async check({ env, platform }) {
    const checks = keeperStatuses(env, platform).flatMap(({ server, pid, version, running, sessions }): Check[] => {
      const kept = sessions.length === 1 ? "1 session" : `${sessions.length} sessions`;
      if (running)
        return [{ name: server, state: "ok", detail: `process ${pid} (${version}) renews ${kept}`, next: "" }];
      if (sessions.length === 0) return [];
      const ids = sessions.map(({ sessionId }) => sessionId).join(", ");
      const detail = `does not run, so nothing renews ${kept}: ${ids}`;
      const next = "run 'nexus status' as the agent of each, which starts it again; what it writes is in keeper.log";
      return [{ name: server, state: "failure", detail, next }];
    });
    if (checks.length > 0) return checks;
    const isOff = env["NEXUS_KEEPER"] === "off";
    const detail = isOff ? "NEXUS_KEEPER is off: agents renew their sessions themselves" : "no session needs one";
    return [{ name: "keeper", state: isOff ? "skipped" : "ok", detail, next: "" }];
  },
};
