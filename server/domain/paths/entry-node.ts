import type { Token } from "./pattern.ts";

/** One element of an entry as it was written; `source` is its own piece of the text, escapes included. */
export type Atom =
  | { readonly kind: "character"; readonly character: string; readonly source: string }
  | { readonly kind: "any" | "star" | "slash"; readonly source: string }
  | { readonly kind: "class"; readonly token: Token; readonly source: string };

/** An element of an entry, or a choice `{a,b}` between several runs of elements. */
export type Node = Atom | { readonly kind: "choice"; readonly options: readonly (readonly Node[])[] };

/** The text that scans to these nodes. */
export function nodesToText(nodes: readonly Node[]): string {
  return nodes
    .map((node) => (node.kind === "choice" ? `{${node.options.map(nodesToText).join(",")}}` : node.source))
    .join("");
}

/** The text that these nodes match when none of them is a wildcard; undefined when one is. */
export function literalOf(nodes: readonly Node[]): string | undefined {
  let text = "";
  for (const node of nodes) {
    if (node.kind !== "character") return undefined;
    text += node.character;
  }
  return text;
}
