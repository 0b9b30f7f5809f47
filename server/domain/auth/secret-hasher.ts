/** Makes hashes of key secrets that can be checked but not turned back. Both are slow on purpose. */
export interface SecretHasher {
  /** A hash that carries its own salt and parameters. */
  hash(secret: string): Promise<string>;
  /** Whether the hash is one of this secret. */
  verify(hash: string, secret: string): Promise<boolean>;
}
