/** The embedded PostgreSQL can't be used as things are; the message says what to do. */
export class EmbeddedPostgresError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** No PostgreSQL binaries for this machine are installed, or none that run here. */
export class PostgresBinariesMissingError extends EmbeddedPostgresError {
  constructor(
    readonly platform: string,
    why: string,
    options?: ErrorOptions,
  ) {
    super(`no embedded PostgreSQL for ${platform}: ${why}; or set DATABASE_URL to a PostgreSQL of your own`, options);
  }
}

/** This process is root, and no system user exists that could run PostgreSQL in its place. */
export class NoUnprivilegedUserError extends EmbeddedPostgresError {
  constructor() {
    super(
      "PostgreSQL does not run as root, and there is no system user nexus, postgres or nobody to run it as; " +
        "start nexus as an ordinary user, or create one: useradd --system nexus",
    );
  }
}

/** Another server uses the data folder. */
export class DataDirInUseError extends EmbeddedPostgresError {
  constructor(
    readonly dataDir: string,
    /** Process id of that server, where it is known. */
    readonly holderPid: number | undefined,
  ) {
    const holder = holderPid === undefined ? "another Nexus server" : `another Nexus server (process ${holderPid})`;
    super(`${holder} uses the data folder ${dataDir}; stop it, or choose another folder with NEXUS_DATA_DIR`);
  }
}

/** The data folder can't be made, read or written by this user. */
export class DataDirUnusableError extends EmbeddedPostgresError {
  constructor(
    readonly dataDir: string,
    why: string,
    options?: ErrorOptions,
  ) {
    super(`can't use the data folder ${dataDir}: ${why}; choose another with NEXUS_DATA_DIR`, options);
  }
}

/** The data folder was written by another major version of PostgreSQL. */
export class PostgresVersionMismatchError extends EmbeddedPostgresError {
  constructor(
    readonly dataDir: string,
    readonly dataVersion: string,
    readonly binariesVersion: string,
  ) {
    super(
      `the data folder ${dataDir} was written by PostgreSQL ${dataVersion}, but this Nexus carries PostgreSQL ` +
        `${binariesVersion}, which can't read it; dump the data with the Nexus version that wrote it and load it ` +
        "into a new folder, or set DATABASE_URL",
    );
  }
}

/** PostgreSQL did not start, or went away again before it was ready. */
export class PostgresStartError extends EmbeddedPostgresError {
  constructor(
    what: string,
    /** The last lines of its log; empty when it said nothing. */
    readonly logTail: string,
    options?: ErrorOptions,
  ) {
    super(logTail === "" ? what : `${what}; the last lines of its log:\n${logTail}`, options);
  }
}

/** PostgreSQL did not stop, not even when told to stop at once. */
export class PostgresStopError extends EmbeddedPostgresError {
  constructor(readonly pid: number) {
    super(`PostgreSQL (process ${pid}) did not stop`);
  }
}
