/**
 * What reading a body has come to so far, and the small vocabulary the two tables of features are
 * written in. Notes hold names, kinds, positions and short words; never a piece of a prompt.
 */
import type { BodyRefusal, FeeBound, Span } from './contract.ts';
import type { Kind, Scanner } from './scanner.ts';

/** One value of a setting: its kind, place, short text, and the members and items a plan asked for. */
export type Noted = Span &
  Readonly<{
    kind: Kind;
    text: string | null;
    members: ReadonlyMap<string, Noted>;
    items: readonly Noted[];
  }>;

/** Which members of an object are worth a note, and what in them; `items` is the plan for an array's. */
export type Plan = Readonly<{
  members?: Readonly<Record<string, Plan>>;
  items?: Plan;
  /** A string here holds encoded bytes, no text. */
  encoded?: true;
}>;

/** A note with nothing below it. */
export const FLAT: Plan = {};

/** The same for encoded bytes. */
export const ENCODED: Plan = { encoded: true };

/** Settings are short lists; a longer one could hide an item from us. */
const MOST_ITEMS = 256;

export class Findings {
  refusal: BodyRefusal | null = null;
  wrongDialect: BodyRefusal | null = null;
  contextWindow = false;
  serverTools = false;
  cacheWrites: 'automatic' | '5m' | '1h' = 'automatic';
  unknownFields = 0;
  /** Tokens that no byte of the body stands for: images, role markers, tool preambles. */
  extraAtMost = 0;
  extraLikely = 0;
  thinkingBudget = 0;
  readonly #fees = new Map<FeeBound['kind'], number>();

  refuse(refusal: BodyRefusal): void {
    this.refusal ??= refusal;
  }

  unsupported(field: string, why: string): void {
    this.refuse({ reason: 'unsupported_feature', field, why });
  }

  invalid(field: string, expected: string): void {
    this.refuse({ reason: 'invalid_field', field, expected });
  }

  elsewhere(field: string, belongsTo: string): void {
    this.wrongDialect ??= { reason: 'wrong_dialect', field, belongsTo };
  }

  fee(kind: FeeBound['kind'], countAtMost: number): void {
    this.#fees.set(kind, (this.#fees.get(kind) ?? 0) + countAtMost);
  }

  fees(choices: number): FeeBound[] {
    return [...this.#fees].map(([kind, count]) => ({ kind, countAtMost: count * choices }));
  }
}

/** Takes the value in front of the scanner, with what the plan asks for below it. */
export function note(scanner: Scanner, plan: Plan, path: string, findings: Findings): Noted {
  const kind = scanner.kind();
  const start = scanner.at;
  const members = new Map<string, Noted>();
  const items: Noted[] = [];
  let text: string | null = null;
  if (kind === 'object') {
    scanner.object((name) => {
      if (plan.members === undefined || !Object.hasOwn(plan.members, name)) return;
      const below = `${path}.${name}`;
      if (members.has(name)) findings.refuse({ reason: 'duplicate_field', field: below });
      members.set(name, note(scanner, plan.members[name] ?? FLAT, below, findings));
    });
  } else if (kind === 'array' && plan.items !== undefined) {
    const each = plan.items;
    scanner.array((index) => {
      if (index === MOST_ITEMS) findings.invalid(path, `at most ${MOST_ITEMS} items`);
      if (index < MOST_ITEMS) items.push(note(scanner, each, `${path}[${index}]`, findings));
    });
  } else text = plan.encoded === true ? scanner.encoded() : scanner.text();
  return { kind, start, end: scanner.at, text, members, items };
}

/** A non-negative integer in value (1e3 and 1000.0 are 1000), or null. */
export function integer(noted: Noted): number | null {
  if (noted.kind !== 'number' || noted.text === null) return null;
  const value = Number(noted.text);
  return Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/** The member of that name, unless it is null. */
export function member(noted: Noted, name: string): Noted | undefined {
  const found = noted.members.get(name);
  return found?.kind === 'null' ? undefined : found;
}

/** How a field bears on the price, and what reads it. A value of null never reaches `judge`. */
export type Rule = Readonly<{
  effect: 'priced' | 'bounded' | 'refused' | 'free';
  plan?: Plan;
  judge?: (value: Noted, findings: Findings, field: string) => void;
  /** For `refused` without a judge: why, whatever the value. */
  why?: string;
}>;

export type Rules = Readonly<Record<string, Rule>>;

export const FREE: Rule = { effect: 'free' };

export function refused(why: string): Rule {
  return { effect: 'refused', why };
}

/** Accepts only these words; `why` says what the others would do. */
export function only(words: readonly string[], why: string): Rule {
  return {
    effect: 'refused',
    judge: (value, findings, field) => {
      if (value.text === null || value.kind !== 'string' || !words.includes(value.text)) {
        findings.unsupported(field, why);
      }
    },
  };
}

export const STORED =
  'it refers to something stored at the provider, where all callers share one organisation';
