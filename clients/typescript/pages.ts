/** An answer of a List method. */
export interface Page {
  readonly nextPageToken: string;
}

/**
 * Every page of a list, one after another: `for await (const page of pages((pageToken) => client.features
 * .listFeatures({ projectId, pageToken })))`.
 *
 * @throws whatever fetching a page throws, and an Error when the server sends the same token twice, which would
 *   never end
 */
export async function* pages<Answer extends Page>(
  fetch: (pageToken: string) => Promise<Answer>,
): AsyncGenerator<Answer> {
  let pageToken = "";
  const seen = new Set<string>();
  do {
    const page = await fetch(pageToken);
    yield page;
    pageToken = page.nextPageToken;
    if (seen.has(pageToken)) throw new Error("the server sends the same page again and again");
    seen.add(pageToken);
  } while (pageToken !== "");
}
