import { type Claim, ClaimMode } from "@nexus/gen/nexus/v1/claim_pb";
import { relativeTime } from "./relative-time.ts";
import { formatTable } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** What claims cover, a touch a line; empty when that is nothing. */
export function formatHeld(claims: readonly Claim[], terminal: Terminal, now: Date): string {
  return formatTable(
    [
      { heading: "path", cell: ({ touch }) => touch.path },
      { heading: "mode", cell: ({ touch }) => (touch.mode === ClaimMode.SHARED ? "shared" : "") },
      { heading: "for", cell: ({ claim }) => claim.featureSlug },
      { heading: "since", cell: ({ claim }) => relativeTime(claim.acquireTime, now) },
      { heading: "expires", cell: ({ claim }) => relativeTime(claim.expireTime, now) },
    ],
    claims.flatMap((claim) => claim.touches.map((touch) => ({ claim, touch }))),
    terminal,
  );
}
