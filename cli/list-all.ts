import { type Page, pages } from "@nexus/client";

/** The largest page that the server gives. */
export const PAGE_SIZE = 500;

/**
 * All pages of a list as one answer without a next page. Not one moment's state: what changes while it is read may
 * be missed.
 */
export async function listAll<Field extends string, Item, Answer extends Page & Record<Field, Item[]>>(
  field: Field,
  fetch: (page: { readonly pageSize: number; readonly pageToken: string }) => Promise<Answer>,
): Promise<Answer> {
  let all: Answer | undefined;
  for await (const page of pages((pageToken) => fetch({ pageSize: PAGE_SIZE, pageToken }))) {
    if (all === undefined) all = { ...page, nextPageToken: "" };
    else all[field].push(...page[field]);
  }
  if (all === undefined) throw new Error("a list without a page");
  return all;
}
