import type { Failpoint } from "../../domain/failpoint.ts";
import type { ProjectId } from "../../domain/ids.ts";
import type { Deviation } from "../audit-stores.ts";
import type { FailpointAction } from "./failpoint.ts";

/** What a test asks of a server process of the testing bundle, over the channel that `fork` gives the two. */
export type Order =
  /** Makes the next call that reaches this step meet this action. */
  | { readonly do: "arm"; readonly step: Failpoint; readonly action: FailpointAction }
  /** Lets every step pass again. */
  | { readonly do: "disarm" }
  /** Whether that step was reached since it was armed. */
  | { readonly do: "fired"; readonly step: Failpoint }
  /** Runs the reconciler once. */
  | { readonly do: "reconcile" }
  /** Compares both stores as this server sees them. */
  | { readonly do: "audit"; readonly projectId: ProjectId }
  /** Makes the claim store lose everything of the project. */
  | { readonly do: "forget"; readonly projectId: ProjectId };

/** An order on its way, with a number that its answer carries too. */
export type NumberedOrder = Order & { readonly order: number };

/** What the server says: the answer to an order, or its last word before a failpoint kills it. */
export type Word =
  | { readonly order: number; readonly answer: boolean | readonly Deviation[] | undefined }
  | { readonly order: number; readonly error: string }
  | { readonly killedAt: Failpoint };
