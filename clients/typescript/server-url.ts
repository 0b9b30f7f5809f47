/**
 * A server's address in one spelling, so that the same server is recognised: lower-case host, no default port, no
 * slash at the end, no user, query or fragment.
 *
 * @throws TypeError when it is no http or https URL
 */
export function parseServerUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new TypeError(`${JSON.stringify(text)} is not a server address; write it like http://127.0.0.1:3000`);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}
