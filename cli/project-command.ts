import { Option } from "clipanion";
import { NexusCommand } from "./command.ts";

/** A command about things of one project. */
export abstract class ProjectCommand extends NexusCommand {
  project = Option.String("--project", {
    description: "The project, by slug or id; else NEXUS_PROJECT or the repository's .nexus.json",
  });

  protected override projectOption(): string | undefined {
    return this.project;
  }
}
