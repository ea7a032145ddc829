/**
 * Which model a name means. A name is found by one map hit; only a name nobody listed (a new dated
 * snapshot) is tried against the source's rules, and then strictly: what a rule leaves over must look
 * like a date or a channel, so that a misspelt or a future model never gets another one's price.
 */
import type { PriceFileModel } from './price-file.ts';

/** `-latest`, `-preview-05-06`, `-20250929`, `@20250929`, `-001`: a version of the same model. */
const VERSION =
  /^(?:[-@](?:latest|preview|exp|beta|\d{3,8}|\d{4}-\d\d-\d\d|\d\d-\d\d(?:-\d{4})?|\d\d-\d{4}))*$/;
/** A rule's text that stops inside a version: `claude-sonnet-4-2025`, `gemini-2.0-flash-0`, `gpt-5-nano-`. */
const OPEN_END = /-(?:20\d\d|0)?$/;
const LONGEST_NAME = 200;

type Condition = Readonly<{ test: (name: string) => boolean; strict: (name: string) => boolean }>;
type Rule = Readonly<{ all: readonly Condition[]; model: PriceFileModel }>;

export type Names = Readonly<{
  exact: ReadonlyMap<string, PriceFileModel>;
  rules: readonly Rule[];
}>;

function versionAfter(name: string, text: string): boolean {
  if (!name.startsWith(text)) return false;
  const cut = OPEN_END.exec(text)?.index ?? text.length;
  return VERSION.test(name.slice(cut));
}

function condition(rule: string): Condition {
  const text = rule.slice(1);
  switch (rule[0]) {
    case '^':
      return { test: (name) => name.startsWith(text), strict: (name) => versionAfter(name, text) };
    case '*':
      return { test: (name) => name.includes(text), strict: (name) => versionAfter(name, text) };
    case '$':
      return { test: (name) => name.endsWith(text), strict: (name) => name === text };
    case '/': {
      const pattern = new RegExp(text);
      const test = (name: string): boolean => pattern.test(name);
      // Only what is anchored at both ends says a whole name; `^(?!...)` is a veto beside another rule.
      return { test, strict: /^\^(?:\(\?!|.*\$$)/.test(text) ? test : () => false };
    }
    default:
      throw new Error('a rule of the price file has no kind');
  }
}

/** Earlier models win, as in the source. */
export function readNames(models: readonly PriceFileModel[]): Names {
  const exact = new Map<string, PriceFileModel>();
  const rules: Rule[] = [];
  for (const model of models) {
    for (const name of model.names) if (!exact.has(name)) exact.set(name, model);
    for (const all of model.rules) rules.push({ all: all.map(condition), model });
  }
  return { exact, rules };
}

/** The model of a provider that `name` means there, or undefined. */
export function resolveName(names: Names, name: string): PriceFileModel | undefined {
  if (name.length > LONGEST_NAME) return undefined;
  const asked = name.toLowerCase();
  const listed = names.exact.get(asked);
  if (listed !== undefined) return listed;
  const first = names.rules.find(({ all }) => all.every(({ test }) => test(asked)))?.model;
  const strictly = names.rules.some(
    ({ all, model }) => model === first && all.every(({ strict }) => strict(asked)),
  );
  return strictly ? first : undefined;
}

/** Edits between two names, counted up to `most` and no further. */
function distance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      const replaced = (above[column - 1] ?? 0) + same;
      line.push(Math.min(replaced, (above[column] ?? 0) + 1, (line[column - 1] ?? 0) + 1));
    }
    if (Math.min(...line) > most) return most + 1;
    above = line;
  }
  return above[b.length] ?? most + 1;
}

/** Up to three of `known` that lie near `name`, nearest first. */
export function nearest(name: string, known: Iterable<string>): string[] {
  if (name.length > LONGEST_NAME) return [];
  const asked = name.toLowerCase();
  const most = Math.max(2, Math.floor(asked.length / 4));
  const near: { one: string; far: number }[] = [];
  for (const one of known) {
    const far = distance(asked, one, most);
    if (far <= most) near.push({ one, far });
  }
  near.sort((a, b) => a.far - b.far || (a.one < b.one ? -1 : 1));
  return near.slice(0, 3).map(({ one }) => one);
}
