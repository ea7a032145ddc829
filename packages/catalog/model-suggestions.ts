/**
 * Suggestions for a name that no model has: first those that the name begins (`gpt-6` of
 * `gpt-6-sol`), then the one it misspells, then the newest models of its family, then the names that
 * are spelled alike. A model that its provider has deprecated comes last, but one that is misspelt
 * is the one that is meant.
 */
/** What ranks a model among the suggestions. */
export type Suggestible = Readonly<{
  name: string;
  upstreamName: string;
  created: Date;
  deprecated: boolean;
}>;

const MAX_SUGGESTIONS = 3;
const MAX_NAME_LENGTH = 200;

/**
 * Returns the words of a name without versions and dates: `claude-sonnet-5-5` and
 * `claude-sonnet-4-5-20250929` are both `claude-sonnet`.
 */
function toFamily(name: string): string {
  const words = name.toLowerCase().split(/[-_.:@/ ]+/);
  return words.filter((word) => !/^v?\d+[a-z]?$|^latest$|^preview$|^exp$/.test(word)).join('-');
}

/** Returns the edit distance between two names, counted no further than the maximum. */
function editDistance(a: string, b: string, max: number): number {
  if (Math.abs(a.length - b.length) > max) return max + 1;
  let previousRow = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const currentRow = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      const replaced = (previousRow[column - 1] ?? 0) + same;
      currentRow.push(
        Math.min(replaced, (previousRow[column] ?? 0) + 1, (currentRow[column - 1] ?? 0) + 1),
      );
    }
    if (Math.min(...currentRow) > max) return max + 1;
    previousRow = currentRow;
  }
  return previousRow[b.length] ?? max + 1;
}

type Candidate = Readonly<{ name: string; model: Suggestible; edits: number }>;

function byDistance(a: Candidate, b: Candidate): number {
  return a.edits - b.edits || (a.name < b.name ? -1 : 1);
}

function byRelease(a: Candidate, b: Candidate): number {
  return b.model.created.getTime() - a.model.created.getTime() || byDistance(a, b);
}

function activeFirst(candidates: readonly Candidate[]): Candidate[] {
  const [active, deprecated] = [false, true].map((flag) =>
    candidates.filter(({ model }) => model.deprecated === flag),
  );
  return [...(active ?? []), ...(deprecated ?? [])];
}

/** More edits than this make another word. */
const MAX_MISSPELT = 2;

/** The digits of a name tell versions and sizes apart: another one is another model. */
function toDigits(name: string): string {
  return name.replaceAll(/[^0-9]/g, '');
}

/** Returns the names that differ from `name` by the fewest slips of the pen, if they are few. */
function listMisspelt(name: string, candidates: readonly Candidate[]): Candidate[] {
  const near = candidates.filter(
    (candidate) => candidate.edits <= MAX_MISSPELT && toDigits(candidate.name) === toDigits(name),
  );
  const fewest = Math.min(...near.map(({ edits }) => edits));
  return near.filter(({ edits }) => edits === fewest).sort(byRelease);
}

/** A bare name is compared with bare names, a prefixed one with prefixed ones. */
function toCandidates(name: string, models: readonly Suggestible[], max: number): Candidate[] {
  return models.map((model) => {
    const known = name.includes('/') ? model.name : model.upstreamName;
    return { name: known, model, edits: editDistance(name, known.toLowerCase(), max) };
  });
}

/** Returns up to three names of `models` for one that none of them has, the best first. */
export function suggestNames(requested: string, models: readonly Suggestible[]): string[] {
  if (requested.length > MAX_NAME_LENGTH) return [];
  const name = requested.toLowerCase();
  const max = Math.max(2, Math.floor(name.length / 4));
  const candidates = toCandidates(name, models, max);
  const family = toFamily(name.slice(name.lastIndexOf('/') + 1));
  const variants = candidates.filter((candidate) => candidate.name.startsWith(`${name}-`));
  const relatives = candidates.filter(
    ({ model }) => family !== '' && toFamily(model.upstreamName) === family,
  );
  const alike = candidates.filter(({ edits }) => edits <= max);
  const ranked = [
    ...activeFirst(variants.sort(byRelease)),
    ...listMisspelt(name, candidates),
    ...activeFirst(relatives.sort(byRelease)).slice(0, MAX_SUGGESTIONS - 1),
    ...activeFirst(alike.sort(byDistance)),
    ...relatives,
  ].map((candidate) => candidate.name);
  return [...new Set(ranked)].slice(0, MAX_SUGGESTIONS);
}
