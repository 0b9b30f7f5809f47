import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { Config } from "./config.ts";

/** A certificate (with its chain) and its key, in PEM. */
export interface TlsPair {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly expireTime: Date;
}

/** The files of certificate and key can't be served with; the message names the file. */
export class TlsPairError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TlsPairError";
  }
}

/**
 * Reads certificate and key, and checks that a server could use them now.
 *
 * @throws TlsPairError when a file can't be read or understood, the two don't belong together, or the certificate has
 *   expired
 */
export function readTlsPair({ certFile, keyFile }: NonNullable<Config["tls"]>): TlsPair {
  const cert = read("NEXUS_TLS_CERT", certFile);
  const key = read("NEXUS_TLS_KEY", keyFile);
  const expireTime = expireTimeOf(cert, certFile);
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    throw new TlsPairError(`NEXUS_TLS_KEY: ${keyFile} is not the key of ${certFile} (${sentence(cause)})`, { cause });
  }
  if (expireTime.getTime() < Date.now()) {
    throw new TlsPairError(`NEXUS_TLS_CERT: ${certFile} expired at ${expireTime.toISOString()}`);
  }
  return { cert, key, expireTime };
}

function read(variable: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new TlsPairError(`${variable}: ${file} can't be read: ${sentence(cause)}`, { cause });
  }
}

function expireTimeOf(cert: Buffer, certFile: string): Date {
  try {
    return new Date(new X509Certificate(cert).validTo);
  } catch (cause) {
    throw new TlsPairError(`NEXUS_TLS_CERT: ${certFile} is no certificate in PEM: ${sentence(cause)}`, { cause });
  }
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
