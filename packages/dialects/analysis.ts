/**
 * The result of reading a body so far, and the types in which a dialect's table of fields is
 * written. A captured node holds names, kinds, positions and short texts of settings, never a piece
 * of a prompt.
 */
import { type ServiceTerms, STANDARD_TERMS } from '@farebox/money';
import type {
  CacheWrites,
  RequestError,
  ServerToolKind,
  Span,
  SurchargeBound,
} from './contract.ts';
import { type FoldedNames, findConfusedName, foldNames } from './field-names.ts';
import type { JsonKind, Scanner } from './json-scanner.ts';

/**
 * One value of a setting: its kind, position, short text, and the members and items of its spec.
 */
export type JsonNode = Span &
  Readonly<{
    kind: JsonKind;
    text: string | null;
    members: ReadonlyMap<string, JsonNode>;
    items: readonly JsonNode[];
  }>;

/**
 * The members of an object to capture, each with its own spec; `items` is the spec of an array's
 * items.
 */
export type CaptureSpec = Readonly<{
  members?: Readonly<Record<string, CaptureSpec>>;
  items?: CaptureSpec;
  /** True if a string here holds encoded bytes and no text. */
  encoded?: true;
}>;

/** Captures a value and nothing below it. */
export const LEAF: CaptureSpec = {};

/** LEAF for encoded bytes. */
export const ENCODED_LEAF: CaptureSpec = { encoded: true };

/** Settings are short lists; a longer one is rejected, because it could hide an item. */
const MAX_ITEMS = 256;

/** The bytes of one token in an answer's JSON: its text, escaped. */
const TOKEN_BYTES = 16;

export class RequestAnalysis {
  /** Returns the name in the tables of a field that may be written in more than one way. */
  readonly toFieldName: (name: string) => string;
  error: RequestError | null = null;
  /** The first error that a request which costs nothing has too. */
  errorWhenFree: RequestError | null = null;
  wrongDialect: RequestError | null = null;
  contextWindow = false;
  /** True where the body itself asks for the beta with the longest context window. */
  longContext = false;
  /** How often the provider may run the model: more than once with tools that it runs itself. */
  serverPasses = 1;
  /** True where the provider may take something out of the context between turns. */
  mayClearContext = false;
  /** An upper bound of the bytes of an answer for each of its tokens. */
  bytesPerToken = TOKEN_BYTES;
  /** The path of a tool that executes code at the provider. */
  codeExecutionTool: string | null = null;
  /** True with a tool beside which the provider does not bill the execution of code. */
  isCodeExecutionFree = false;
  /** The kinds of the provider's own tools whose calls the request may limit together. */
  readonly limitedTools = new Set<ServerToolKind>();
  /** True with tools of the provider's own that it runs in a loop. */
  runsServerTools = false;
  /** The earlier response of the same connection that the request continues. */
  previousResponseId: string | null = null;
  /** The limit of their calls that the request states. */
  maxToolCalls: number | null = null;
  cacheWrites: CacheWrites = 'automatic';
  terms: ServiceTerms = STANDARD_TERMS;
  unknownFields = 0;
  /** Tokens that no byte of the body stands for: images, role markers, tool preambles. */
  extraMaxTokens = 0;
  /** Of images and documents. */
  estimatedMediaTokens = 0;
  messages = 0;
  tools = 0;
  /** The scanner's units of the tools' definitions. */
  toolUnits = 0;
  thinkingBudget = 0;
  /** The name of the model in a request that is a field of the body. */
  nestedModel: Span | null = null;
  /** True where the input may have audio in it. */
  audioInput = false;
  /** True where the output may be audio. */
  audioOutput = false;
  /** True if the answer may have pictures. */
  imageOutput = false;
  readonly #surcharges = new Map<SurchargeBound['kind'], number>();

  constructor(toFieldName: (name: string) => string = (name) => name) {
    this.toFieldName = toFieldName;
  }

  reject(error: RequestError): void {
    this.error ??= error;
    this.errorWhenFree ??= error;
  }

  /** Rejects a feature, whatever the request costs. */
  rejectUnsupported(field: string, explanation: string, sdkCode?: string): void {
    const error = { reason: 'unsupported_feature', field, explanation } as const;
    this.reject(sdkCode === undefined ? error : { ...error, sdkCode });
  }

  /** Rejects a feature because of its price only: a request that costs nothing may have it. */
  rejectPricing(field: string, explanation: string): void {
    this.error ??= { reason: 'unsupported_feature', field, explanation };
  }

  rejectInvalid(field: string, expected: string): void {
    this.reject({ reason: 'invalid_field', field, expected });
  }

  /** Rejects a name that some reader takes for one of `names`, below `path`. */
  rejectConfusedName(name: string, path: string | null, names: FoldedNames): void {
    const meant = findConfusedName(name, names);
    if (meant === undefined) return;
    const field = path === null ? meant : `${path}.${meant}`;
    this.rejectInvalid(field, 'the name spelled exactly so');
  }

  rejectWrongEndpoint(field: string, correctEndpoint: string): void {
    this.wrongDialect ??= { reason: 'wrong_dialect', field, correctEndpoint };
  }

  /** Counts what an answer states beside the text of each token. */
  addBytesPerToken(bytes: number): void {
    this.bytesPerToken += bytes;
  }

  useServerTools(passes: number): void {
    this.serverPasses = Math.max(this.serverPasses, passes);
  }

  addSurcharge(kind: SurchargeBound['kind'], maxCount: number): void {
    this.#surcharges.set(kind, (this.#surcharges.get(kind) ?? 0) + maxCount);
  }

  surchargeBounds(choices: number): SurchargeBound[] {
    return [...this.#surcharges].map(([kind, count]) => ({ kind, maxCount: count * choices }));
  }
}

const foldedMembers = new WeakMap<NonNullable<CaptureSpec['members']>, FoldedNames>();

function getFoldedMembers(members: NonNullable<CaptureSpec['members']>): FoldedNames {
  const known = foldedMembers.get(members) ?? foldNames(Object.keys(members));
  foldedMembers.set(members, known);
  return known;
}

/** Reads the value at the scanner, with the members and items that the spec names. */
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
    scanner.readObject((written) => {
      const name = analysis.toFieldName(written);
      if (captureSpec.members === undefined) return;
      if (!Object.hasOwn(captureSpec.members, name)) {
        analysis.rejectConfusedName(name, path, getFoldedMembers(captureSpec.members));
        return;
      }
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

/** Returns a number that is a non-negative integer by value (1e3 and 1000.0 are 1000), or null. */
export function toInteger(node: JsonNode): number | null {
  if (node.kind !== 'number' || node.text === null) return null;
  const value = Number(node.text);
  if (!Number.isSafeInteger(value) || value < 0) return null;
  return isWholeAsWritten(node.text) ? value : null;
}

/**
 * Returns whether a number is whole as written: 0.99999999999999999999 is 1 as a double, and less
 * to a reader of decimals.
 */
function isWholeAsWritten(text: string): boolean {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.');
  const digits = whole + fraction;
  const significant = digits.replace(/0+$/, '');
  const trailingZeros = digits.length - significant.length;
  return significant === '' || Number(exponent) - fraction.length + trailingZeros >= 0;
}

/** Returns the member of that name, unless it is null. */
export function getMember(node: JsonNode, name: string): JsonNode | undefined {
  const value = node.members.get(name);
  return value?.kind === 'null' ? undefined : value;
}

/** A field's effect on the price, and its check. A value of null never reaches `check`. */
export type Rule = Readonly<{
  effect: 'priced' | 'bounded' | 'rejected' | 'no_effect';
  captureSpec?: CaptureSpec;
  /** True where the model reads the value, so that it counts as input. */
  isPrompt?: true;
  check?: (value: JsonNode, analysis: RequestAnalysis, field: string) => void;
  /** The reason to reject any value; for `rejected` without a check. */
  explanation?: string;
  /** True where only the price is the reason, so that a request which costs nothing may have it. */
  pricingOnly?: true;
}>;

export type Rules = Readonly<Record<string, Rule>>;

/** Returns the fields that affect the price, by their folded spelling. */
export function buildConfusableNames(rules: Rules): FoldedNames {
  const billedFields = Object.entries(rules).filter(([, rule]) => rule.effect !== 'no_effect');
  return foldNames(billedFields.map(([name]) => name));
}

export const NO_EFFECT: Rule = { effect: 'no_effect' };

export function rejectedRule(explanation: string): Rule {
  return { effect: 'rejected', explanation };
}

/** Rejects a field because of its price only. */
export function unpricedRule(explanation: string): Rule {
  return { effect: 'rejected', explanation, pricingOnly: true };
}

export const REFERS_TO_STORED =
  'it refers to something stored at the provider, where all callers share one organisation';
