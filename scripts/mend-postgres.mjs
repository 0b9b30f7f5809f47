// Mends postgres.js 3.4.9, whose pool does not survive a connection that breaks at the wrong moment. Four defects,
// partly reported upstream, with mends that are not released:
// - What is written in the turn in which a connection closes ends the process ("reading 'write'" of null).
// - A connection that closes with something unwritten sends it, or nothing any more, when it is opened again.
// - What is sent between the error of a connection and its end (a rollback, for one) is waited for forever, and so is
//   all that comes after it on the connection that takes its place.
// - The rest of a transaction whose connection is gone runs on the next connection in its place: outside a transaction,
//   or inside somebody else's.
// Each text has to be there exactly once, so that a new version of the driver is looked at before it is used.

const ENTRIES = [
  {
    file: "postgres/src/connection.js",
    text: "    if (terminated)\n      return queryError(q, Errors.connection('CONNECTION_DESTROYED', options))\n",
    instead:
      "    if (terminated || socket === null)\n      return queryError(q, Errors.connection(terminated ? 'CONNECTION_DESTROYED' : 'CONNECTION_CLOSED', options))\n",
  },
  {
    file: "postgres/src/connection.js",
    text: "    clearImmediate(nextWriteTimer)\n    socket.removeListener('data', data)\n",
    instead:
      "    clearImmediate(nextWriteTimer)\n    chunk = nextWriteTimer = null\n    socket.removeListener('data', data)\n",
  },
  {
    file: "postgres/src/connection.js",
    text: "    !hadError && (query || sent.length) && error(Errors.connection('CONNECTION_CLOSED', options, socket))\n",
    instead:
      "    ;(query || sent.length) && error(Errors.connection('CONNECTION_CLOSED', options, socket))\n    query = errorResponse = null\n",
  },
  {
    file: "postgres/src/index.js",
    text: "      , connection\n      , prepare = null\n",
    instead: "      , connection\n      , lost = null\n      , prepare = null\n",
  },
  {
    file: "postgres/src/index.js",
    text: "new Promise((_, reject) => connection.onclose = reject)",
    instead: "new Promise((_, reject) => connection.onclose = e => (lost = e, reject(e)))",
  },
  {
    file: "postgres/src/index.js",
    text: "        q.catch(e => uncaughtError || (uncaughtError = e))\n",
    instead: "        q.catch(e => uncaughtError || (uncaughtError = e))\n        if (lost) return q.reject(lost)\n",
  },
];

/** Files that have something to mend. */
export const MENDED_FILES = /[\\/]postgres[\\/]src[\\/](connection|index)\.js$/;

/**
 * The source of a file of postgres.js, mended.
 *
 * @param {string} path
 * @param {string} source
 */
export function mendPostgres(path, source) {
  const mine = ENTRIES.filter(({ file }) => path.replaceAll("\\", "/").endsWith(file));
  return mine.reduce((mended, { text, instead }) => {
    if (mended.split(text).length !== 2) {
      throw new Error(`${path} is not the version of postgres.js that scripts/mend-postgres.mjs mends`);
    }
    return mended.replace(text, () => instead);
  }, source);
}
