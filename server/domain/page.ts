/** Which part of a list is asked for. `after` is the key of the last thing seen, as the list's own order has it. */
export interface PageRequest<Key> {
  /** 1 to 500. */
  readonly size: number;
  readonly after: Key | undefined;
}

/** Part of a list. */
export interface Page<Item, Key> {
  readonly items: readonly Item[];
  /** The key to go on after; undefined at the end. */
  readonly next: Key | undefined;
}

/** A page with the project's last event at the moment when it was read: watching from there tells every later change. */
export interface CursorPage<Item, Key> extends Page<Item, Key> {
  readonly eventCursor: bigint;
}

/** Makes a page of the up to `size + 1` items that were read. */
export function pageOf<Item, Key>(items: readonly Item[], size: number, keyOf: (item: Item) => Key): Page<Item, Key> {
  const shown = items.slice(0, size);
  const last = shown.at(-1);
  return { items: shown, next: items.length > size && last !== undefined ? keyOf(last) : undefined };
}
