import type { WakeUpListener, WakeUps } from "../../domain/events/event-log.ts";
import type { ProjectId } from "../../domain/ids.ts";

/** Wake-ups within this process, which is the only one. */
export class EmbeddedWakeUps implements WakeUps {
  private listener: WakeUpListener | undefined;

  publish(projectId: ProjectId, latest: bigint): void {
    this.listener?.(projectId, latest);
  }

  listen(listener: WakeUpListener): void {
    this.listener = listener;
  }

  async close(): Promise<void> {
    this.listener = undefined;
  }
}
