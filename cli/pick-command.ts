import { durationMs } from "@bufbuild/protobuf/wkt";
import type { NexusError } from "@nexus/client";
import type { PickFeatureResponse, PickNextFeatureResponse } from "@nexus/gen/nexus/v1/feature_service_pb";
import { Option } from "clipanion";
import { Interrupted } from "./interrupted.ts";
import { describeError } from "./output/describe-error.ts";
import { parseSpan } from "./output/spans.ts";
import { SessionCommand } from "./session-command.ts";
import { waitUntilFree } from "./wait-until-free.ts";

const USUAL_WAIT = "30m";

/** A command that takes a feature for the session. */
export abstract class PickCommand extends SessionCommand {
  wait = Option.String("--wait", {
    tolerateBoolean: true,
    description: "Wait until it is free, 30 minutes at most; --wait=2h for longer",
  });

  /** Takes a feature and keeps its fencing token; with `--wait` as soon as that is possible. */
  protected async take<Answer extends PickFeatureResponse | PickNextFeatureResponse>(
    call: (sessionId: string) => Promise<Answer>,
  ): Promise<Answer> {
    const attempt = () => this.currentSession.use((sessionId) => this.#takeFor(sessionId, call));
    if (this.wait === undefined || this.wait === false) return attempt();
    const bound = parseSpan(this.wait === true ? USUAL_WAIT : this.wait, "--wait");
    const interrupt = new AbortController();
    const forget = this.context.onInterrupt((signal) => interrupt.abort(new Interrupted(signal)));
    try {
      const signal = AbortSignal.any([interrupt.signal, AbortSignal.timeout(durationMs(bound))]);
      const onRefused = (refusal: NexusError) => this.#tellOf(refusal);
      return await this.progress.during(
        "waiting until it is free",
        waitUntilFree(attempt, this.workspace, { signal, onRefused }),
      );
    } catch (error) {
      interrupt.signal.throwIfAborted();
      throw error;
    } finally {
      forget();
    }
  }

  async #takeFor<Answer extends PickFeatureResponse | PickNextFeatureResponse>(
    sessionId: string,
    call: (sessionId: string) => Promise<Answer>,
  ): Promise<Answer> {
    // A token that can't be kept is lost, and the feature with it.
    this.currentSession.ensureKeepable(sessionId);
    const picked = await call(sessionId);
    const fencingToken = String(picked.claim?.fencingToken ?? 0n);
    await this.currentSession.keep(sessionId, { slug: picked.feature?.slug ?? "", fencingToken });
    return picked;
  }

  #tellOf(refusal: NexusError): void {
    const view = { terminal: this.terminal, now: this.context.now(), ...this.failureContext() };
    const told = describeError(refusal, view).replace(/^next: .*\n/m, "");
    this.note(`${told}waiting; Ctrl-C gives up`);
  }
}
