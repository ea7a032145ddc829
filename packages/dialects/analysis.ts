/**
 * What reading a body has come to so far, and the small vocabulary the two tables of features are
 * written in. Notes hold names, kinds, positions and short words; never a piece of a prompt.
 */
import type { RequestError, Span, SurchargeBound } from './contract.ts';
import type { JsonKind, Scanner } from './json-scanner.ts';

/** One value of a setting: its kind, place, short text, and the members and items a plan asked for. */
export type JsonNode = Span &
  Readonly<{
    kind: JsonKind;
    text: string | null;
    members: ReadonlyMap<string, JsonNode>;
    items: readonly JsonNode[];
  }>;

/** Which members of an object are worth a note, and what in them; `items` is the plan for an array's. */
export type CaptureSpec = Readonly<{
  members?: Readonly<Record<string, CaptureSpec>>;
  items?: CaptureSpec;
  /** A string here holds encoded bytes, no text. */
  encoded?: true;
}>;

/** A note with nothing below it. */
export const LEAF: CaptureSpec = {};

/** The same for encoded bytes. */
export const ENCODED_LEAF: CaptureSpec = { encoded: true };

/** Settings are short lists; a longer one could hide an item from us. */
const MAX_ITEMS = 256;

export class RequestAnalysis {
  error: RequestError | null = null;
  wrongDialect: RequestError | null = null;
  contextWindow = false;
  serverTools = false;
  cacheWrites: 'automatic' | '5m' | '1h' = 'automatic';
  unknownFields = 0;
  /** Tokens that no byte of the body stands for: images, role markers, tool preambles. */
  extraMaxTokens = 0;
  extraEstimatedTokens = 0;
  thinkingBudget = 0;
  readonly #surcharges = new Map<SurchargeBound['kind'], number>();

  reject(error: RequestError): void {
    this.error ??= error;
  }

  rejectUnsupported(field: string, explanation: string): void {
    this.reject({ reason: 'unsupported_feature', field, explanation });
  }

  rejectInvalid(field: string, expected: string): void {
    this.reject({ reason: 'invalid_field', field, expected });
  }

  rejectWrongEndpoint(field: string, correctEndpoint: string): void {
    this.wrongDialect ??= { reason: 'wrong_dialect', field, correctEndpoint };
  }

  addSurcharge(kind: SurchargeBound['kind'], maxCount: number): void {
    this.#surcharges.set(kind, (this.#surcharges.get(kind) ?? 0) + maxCount);
  }

  surchargeBounds(choices: number): SurchargeBound[] {
    return [...this.#surcharges].map(([kind, count]) => ({ kind, maxCount: count * choices }));
  }
}

/** Takes the value in front of the scanner, with what the plan asks for below it. */
export function capture(
  scanner: Scanner,
  captureSpec: CaptureSpec,
  path: string,
  analysis: RequestAnalysis,
): JsonNode {
  const kind = scanner.peekKind();
  const start = scanner.at;
  const members = new Map<string, JsonNode>();
  const items: JsonNode[] = [];
  let text: string | null = null;
  if (kind === 'object') {
    scanner.readObject((name) => {
      if (captureSpec.members === undefined || !Object.hasOwn(captureSpec.members, name)) return;
      const childPath = `${path}.${name}`;
      if (members.has(name)) analysis.reject({ reason: 'duplicate_field', field: childPath });
      members.set(name, capture(scanner, captureSpec.members[name] ?? LEAF, childPath, analysis));
    });
  } else if (kind === 'array' && captureSpec.items !== undefined) {
    const itemSpec = captureSpec.items;
    scanner.readArray((index) => {
      if (index === MAX_ITEMS) analysis.rejectInvalid(path, `at most ${MAX_ITEMS} items`);
      if (index < MAX_ITEMS) items.push(capture(scanner, itemSpec, `${path}[${index}]`, analysis));
    });
  } else text = captureSpec.encoded === true ? scanner.readEncoded() : scanner.readText();
  return { kind, start, end: scanner.at, text, members, items };
}

/** A non-negative integer in value (1e3 and 1000.0 are 1000), or null. */
export function toInteger(node: JsonNode): number | null {
  if (node.kind !== 'number' || node.text === null) return null;
  const value = Number(node.text);
  return Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/** The member of that name, unless it is null. */
export function getMember(node: JsonNode, name: string): JsonNode | undefined {
  const value = node.members.get(name);
  return value?.kind === 'null' ? undefined : value;
}

/** How a field bears on the price, and what reads it. A value of null never reaches `judge`. */
export type Rule = Readonly<{
  effect: 'priced' | 'bounded' | 'rejected' | 'no_effect';
  captureSpec?: CaptureSpec;
  check?: (value: JsonNode, analysis: RequestAnalysis, field: string) => void;
  /** For `refused` without a judge: why, whatever the value. */
  explanation?: string;
}>;

export type Rules = Readonly<Record<string, Rule>>;

/** `Max_Tokens` and `maxTokens` as one: some parsers fold case, others accept both spellings. */
export function normalizeName(name: string): string {
  return name.toLowerCase().replaceAll('_', '');
}

/** The fields that bear on the price, by their normalized spelling. */
export function buildConfusableNames(rules: Rules): ReadonlyMap<string, string> {
  const billedFields = Object.entries(rules).filter(([, rule]) => rule.effect !== 'no_effect');
  return new Map(billedFields.map(([name]) => [normalizeName(name), name]));
}

export const NO_EFFECT: Rule = { effect: 'no_effect' };

export function rejectedRule(explanation: string): Rule {
  return { effect: 'rejected', explanation };
}

/** Accepts only these words; `why` says what the others would do. */
export function oneOfValues(values: readonly string[], explanation: string): Rule {
  return {
    effect: 'rejected',
    check: (value, analysis, field) => {
      if (value.text === null || value.kind !== 'string' || !values.includes(value.text)) {
        analysis.rejectUnsupported(field, explanation);
      }
    },
  };
}

export const REFERS_TO_STORED =
  'it refers to something stored at the provider, where all callers share one organisation';
