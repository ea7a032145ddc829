/**
 * Resolves a name to a model. A listed name is one map lookup. Only an unlisted name (a new dated
 * snapshot) is matched against the source's rules, and strictly: the part that a rule leaves over
 * must be a date or a channel, so that a misspelt or future model never gets another model's price.
 */
import type { ListedModel } from './price-list.ts';

/** `-latest`, `-preview-05-06`, `-20250929`, `@20250929`, `-001`: a version of the same model. */
const VERSION =
  /^(?:[-@](?:latest|preview|exp|beta|\d{3,8}|\d{4}-\d\d-\d\d|\d\d-\d\d(?:-\d{4})?|\d\d-\d{4}))*$/;
/**
 * A rule's text that stops inside a version: `claude-sonnet-4-2025`, `gemini-2.0-flash-0`,
 * `gpt-5-nano-`.
 */
const PARTIAL_VERSION = /-(?:20\d\d|0)?$/;
const MAX_NAME_LENGTH = 200;

type Condition = Readonly<{ test: (name: string) => boolean; strict: (name: string) => boolean }>;
type Rule = Readonly<{ all: readonly Condition[]; model: ListedModel }>;

export type Names = Readonly<{
  exact: ReadonlyMap<string, ListedModel>;
  rules: readonly Rule[];
}>;

function isVersionAfter(name: string, text: string): boolean {
  if (!name.startsWith(text)) return false;
  const cut = PARTIAL_VERSION.exec(text)?.index ?? text.length;
  return VERSION.test(name.slice(cut));
}

function parseCondition(rule: string): Condition {
  const text = rule.slice(1);
  switch (rule[0]) {
    case '^':
      return {
        test: (name) => name.startsWith(text),
        strict: (name) => isVersionAfter(name, text),
      };
    case '*':
      return { test: (name) => name.includes(text), strict: (name) => isVersionAfter(name, text) };
    case '$':
      return { test: (name) => name.endsWith(text), strict: (name) => name === text };
    case '/': {
      const pattern = new RegExp(text);
      const test = (name: string): boolean => pattern.test(name);
      // Only a rule anchored at both ends matches a whole name; `^(?!...)` excludes names of
      // another rule.
      return { test, strict: /^\^(?:\(\?!|.*\$$)/.test(text) ? test : () => false };
    }
    default:
      throw new Error('a rule of the price file has no kind');
  }
}

/** Earlier models win, as in the source. */
export function indexNames(models: readonly ListedModel[]): Names {
  const exact = new Map<string, ListedModel>();
  const rules: Rule[] = [];
  for (const model of models) {
    for (const name of model.names) if (!exact.has(name)) exact.set(name, model);
    for (const all of model.patterns) rules.push({ all: all.map(parseCondition), model });
  }
  return { exact, rules };
}

/** Returns the provider's model that `name` means, or undefined. */
export function resolveName(names: Names, name: string): ListedModel | undefined {
  if (name.length > MAX_NAME_LENGTH) return undefined;
  const lowerCaseName = name.toLowerCase();
  const listed = names.exact.get(lowerCaseName);
  if (listed !== undefined) return listed;
  const first = names.rules.find(({ all }) => all.every(({ test }) => test(lowerCaseName)))?.model;
  const strictly = names.rules.some(
    ({ all, model }) => model === first && all.every(({ strict }) => strict(lowerCaseName)),
  );
  return strictly ? first : undefined;
}

/** The window that Claude Code asks for with the suffix. */
export const LONG_CONTEXT_WINDOW = 1_000_000;

/**
 * Reads a name as clients write it, perhaps with white space around it. Google's own list calls its
 * models `models/...`, Vertex AI `publishers/google/models/...`. Claude Code marks a model of which
 * it wants the long context window with `[1m]`, and sends the mark in some modes
 * (Wei-Shaw/sub2api#4505).
 */
export function parseModelName(
  requested: string,
): Readonly<{ name: string; hasLongContext: boolean }> {
  const trimmed = requested.trim();
  const name = trimmed.replace(/(?:\s*\[1m\])+$/i, '');
  return {
    name: name.replace(/^(?:publishers\/)?((?!models\/)[a-z0-9_-]+\/)?(?:models\/)+/, '$1'),
    hasLongContext: name !== trimmed,
  };
}
