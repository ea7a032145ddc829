/**
 * Names of fields as the laxest JSON readers compare them. A body whose priced field hides behind
 * another spelling would be billed by one reading and served by another.
 */

/**
 * Returns one spelling for every name that some reader takes for the same field: Go's encoding/json
 * folds case by Unicode (U+017F is an s, U+212A a k), protobuf's JSON takes `maxTokens` for
 * `max_tokens`, readers of C strings stop at NUL, databases of names apply NFKC, and Java's
 * `equalsIgnoreCase` takes U+0130 for an i, whose lower case has a combining dot.
 */
export function foldName(name: string): string {
  const [beforeNul = ''] = name.split('\0', 1);
  return beforeNul
    .normalize('NFKC')
    .toUpperCase()
    .toLowerCase()
    .replaceAll(/[_\s-]|\u0307/g, '');
}

/** Names by their folded spelling. */
export type FoldedNames = ReadonlyMap<string, string>;

export function foldNames(names: Iterable<string>): FoldedNames {
  return new Map(Array.from(names, (name) => [foldName(name), name]));
}

/** Returns the name that a lax reader takes `name` for, if it is spelled otherwise. */
export function findConfusedName(name: string, names: FoldedNames): string | undefined {
  const meant = names.get(foldName(name));
  return meant === name ? undefined : meant;
}
