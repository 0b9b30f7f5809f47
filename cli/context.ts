import type { Readable, Writable } from "node:stream";

/** Everything a command reads from the world or writes to it; tests bring their own. */
export interface NexusContext {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Bits of colour that stdout shows; 1 is none. Clipanion asks for it. */
  readonly colorDepth: number;
  /** Absolute. */
  readonly cwd: string;
  readonly platform: NodeJS.Platform;
  /** The folder of the bundle; the server's bundle is found from here. */
  readonly programFolder: string;
  now(): Date;
  /** Told of Ctrl-C and SIGTERM instead of ending at once, until the answered function is called. */
  onInterrupt(listener: (signal: NodeJS.Signals) => void): () => void;
}
