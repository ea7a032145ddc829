/**
 * Reads a body once and says what billing needs of it, by the table of its dialect. Everything is
 * priced, bounded or refused; what no table knows passes and is counted. It keeps numbers, closed
 * words and positions, never a piece of the text.
 */
import { CHAT_RULES, judgeChatModel } from './chat.ts';
import type {
  BodyRefusal,
  CountTokensResult,
  Dialect,
  ReadResult,
  RequestFacts,
  Span,
} from './contract.ts';
import { Findings, FLAT, integer, type Noted, note, type Rules } from './findings.ts';
import { isSign, judgeForeign } from './foreign.ts';
import { countCompactions, judgeCacheControl, MESSAGES_RULES } from './messages.ts';
import { Prompt } from './prompt.ts';
import { type Kind, Scanner } from './scanner.ts';
import { tokensOf } from './tokens.ts';

const RULES: Readonly<Record<Dialect, Rules>> = { chat: CHAT_RULES, messages: MESSAGES_RULES };

/** Special tokens around the whole, and what a provider puts before it unasked (xAI: some 700 tokens). */
const PREAMBLE_AT_MOST = 2_000;
const PREAMBLE_LIKELY = 8;

/** OpenAI's documented maximum. */
const MOST_CHOICES = 128;
const LONGEST_MODEL = 256;

const NEEDS_MAX_TOKENS: ReadonlySet<Dialect> = new Set(['messages']);

/** `Max_Tokens` and `maxTokens` as one: some parsers fold case, others accept both spellings. */
function folded(name: string): string {
  return name.toLowerCase().replaceAll('_', '');
}

/** Fields that bear on the price, by their folded spelling. */
function lookalikes(rules: Rules): ReadonlyMap<string, string> {
  const bearing = Object.entries(rules).filter(([, rule]) => rule.effect !== 'free');
  return new Map(bearing.map(([name]) => [folded(name), name]));
}

const LOOKALIKES: Readonly<Record<Dialect, ReadonlyMap<string, string>>> = {
  chat: lookalikes(CHAT_RULES),
  messages: lookalikes(MESSAGES_RULES),
};

/** One reading of one body. */
class Body {
  readonly findings = new Findings();
  readonly scanner: Scanner;
  readonly fields = new Map<string, Kind>();
  readonly settings = new Map<string, Noted>();
  readonly #dialect: Dialect;
  readonly #prompt: Prompt;

  constructor(dialect: Dialect, bytes: Uint8Array) {
    const watched = dialect === 'messages' ? 'cache_control' : null;
    this.scanner = new Scanner(bytes, watched, () => this.#cacheControl());
    this.#dialect = dialect;
    this.#prompt = new Prompt(dialect, this.scanner, this.findings, () => this.#cacheControl());
  }

  /** Reads all of it; the facts are then in the members above. */
  read(): BodyRefusal | null {
    const { scanner, findings } = this;
    const isObject = scanner.kind() === 'object';
    if (isObject) scanner.object((name) => this.#field(name));
    else scanner.skip();
    scanner.end();
    if (scanner.fault !== null) return { reason: scanner.fault };
    if (!isObject) return { reason: 'not_an_object' };
    judgeForeign(this.#dialect, this.fields, findings);
    return findings.wrongDialect;
  }

  /** Messages only: elsewhere caching is the provider's own affair, and the value is passed over. */
  #cacheControl(): void {
    if (this.#dialect !== 'messages') return;
    const plan = { members: { ttl: FLAT } };
    judgeCacheControl(note(this.scanner, plan, 'cache_control', this.findings), this.findings);
  }

  #field(name: string): void {
    const rules = RULES[this.#dialect];
    if (!Object.hasOwn(rules, name)) {
      this.#unknown(name);
      return;
    }
    if (this.fields.has(name)) this.findings.refuse({ reason: 'duplicate_field', field: name });
    this.fields.set(name, this.scanner.kind());
    if (name === 'messages') this.#prompt.messages();
    else if (name === 'system') this.#prompt.content('system');
    else if (name === 'tools' || name === 'functions') this.#prompt.tools(name);
    else this.#setting(name);
  }

  #setting(name: string): void {
    const { scanner, findings } = this;
    const rule = RULES[this.#dialect][name];
    if (rule === undefined) return;
    const { atMost, likely } = scanner;
    if (
      rule.effect === 'priced' &&
      rule.plan === undefined &&
      name !== 'model' &&
      name !== 'stream'
    ) {
      // A schema: its bytes are read by the model.
      scanner.skip();
      return;
    }
    const noted = note(scanner, rule.plan ?? FLAT, name, findings);
    scanner.atMost = atMost;
    scanner.likely = likely;
    this.settings.set(name, noted);
    if (noted.kind === 'null') return;
    if (rule.judge !== undefined) rule.judge(noted, findings, name);
    else if (rule.why !== undefined) findings.unsupported(name, rule.why);
  }

  #unknown(name: string): void {
    if (isSign(this.#dialect, name)) this.fields.set(name, this.scanner.kind());
    const meant = LOOKALIKES[this.#dialect].get(folded(name));
    if (meant !== undefined) this.findings.invalid(meant, 'the name spelled exactly so');
    this.findings.unknownFields += 1;
    const { likely } = this.scanner;
    this.scanner.skip();
    this.scanner.likely = likely;
  }
}

function spanOf(noted: Noted): Span {
  return { start: noted.start, end: noted.end };
}

function readModel(body: Body): Noted | null {
  const model = body.settings.get('model');
  if (model === undefined) {
    body.findings.refuse({ reason: 'missing_field', field: 'model' });
    return null;
  }
  const short = model.end - model.start <= LONGEST_MODEL;
  if (model.kind === 'string' && model.text !== null && model.text !== '' && short) return model;
  body.findings.invalid('model', 'the name of a model');
  return null;
}

function readFlag(body: Body, name: string): boolean {
  const flag = body.settings.get(name);
  if (flag === undefined || flag.kind === 'null') return false;
  if (flag.kind !== 'boolean') body.findings.invalid(name, 'true or false');
  return flag.text === 'true';
}

function readChoices(body: Body): number {
  const asked = body.settings.get('n');
  if (asked === undefined || asked.kind === 'null') return 1;
  const count = integer(asked);
  if (count !== null && count >= 1 && count <= MOST_CHOICES) return count;
  body.findings.invalid('n', `a whole number from 1 to ${MOST_CHOICES}`);
  return 1;
}

type OutputLimits = RequestFacts['places']['outputLimits'];

function readOutputLimits(body: Body, dialect: Dialect): OutputLimits {
  const limits: { field: string; at: Span; tokens: number | null }[] = [];
  for (const field of ['max_tokens', 'max_completion_tokens']) {
    const limit = body.settings.get(field);
    if (limit === undefined) continue;
    const tokens = integer(limit);
    // Messages take 0, which only fills the prompt cache; elsewhere some read it as "no limit".
    const enough = tokens !== null && tokens >= (dialect === 'messages' ? 0 : 1);
    if (!enough && limit.kind !== 'null') body.findings.invalid(field, 'a positive whole number');
    limits.push({ field, at: spanOf(limit), tokens });
  }
  const set = limits.some((limit) => limit.tokens !== null);
  if (!set && NEEDS_MAX_TOKENS.has(dialect)) {
    body.findings.refuse({ reason: 'missing_field', field: 'max_tokens' });
  }
  return limits;
}

type UsagePlaces = Readonly<{
  usageWanted: boolean;
  streamOptions: Span | null;
  streamOptionsOther: Span | null;
  includeUsage: Span | null;
}>;

function readStreamOptions(body: Body): UsagePlaces {
  const options = body.settings.get('stream_options');
  const nothing = { usageWanted: false, streamOptions: null, includeUsage: null };
  if (options === undefined) return { ...nothing, streamOptionsOther: null };
  if (options.kind !== 'object') {
    if (options.kind !== 'null') body.findings.invalid('stream_options', 'an object');
    return { ...nothing, streamOptionsOther: spanOf(options) };
  }
  const include = options.members.get('include_usage');
  if (include !== undefined && include.kind !== 'boolean' && include.kind !== 'null') {
    body.findings.invalid('stream_options.include_usage', 'true or false');
  }
  return {
    usageWanted: include?.text === 'true',
    streamOptions: spanOf(options),
    streamOptionsOther: null,
    includeUsage: include === undefined ? null : spanOf(include),
  };
}

function largestLimit(limits: OutputLimits): OutputLimits[number] | null {
  let largest: OutputLimits[number] | null = null;
  for (const limit of limits) {
    if (limit.tokens === null) continue;
    if (largest === null || limit.tokens > (largest.tokens ?? 0)) largest = limit;
  }
  return largest;
}

function inputTokens(body: Body): Pick<RequestFacts, 'inputTokensAtMost' | 'inputTokensLikely'> {
  const { scanner, findings } = body;
  const atMost = scanner.atMost + findings.extraAtMost + PREAMBLE_AT_MOST;
  return {
    inputTokensAtMost: findings.contextWindow ? 'context_window' : atMost,
    inputTokensLikely: tokensOf(scanner.likely) + findings.extraLikely + PREAMBLE_LIKELY,
  };
}

/** Reads a Chat Completions or Messages body. */
export function readRequest(dialect: Dialect, bytes: Uint8Array): ReadResult {
  const body = new Body(dialect, bytes);
  const fault = body.read();
  if (fault !== null) return { ok: false, ...fault };
  const { findings } = body;
  const model = readModel(body);
  if (!body.fields.has('messages')) findings.refuse({ reason: 'missing_field', field: 'messages' });
  const stream = readFlag(body, 'stream');
  const choices = readChoices(body);
  const outputLimits = readOutputLimits(body, dialect);
  const { usageWanted, ...usagePlaces } = readStreamOptions(body);
  if (dialect === 'chat') judgeChatModel(model?.text ?? '', findings);
  else countCompactions(findings);
  if (findings.refusal !== null) return { ok: false, ...findings.refusal };
  if (model === null) return { ok: false, reason: 'missing_field', field: 'model' };
  const limit = largestLimit(outputLimits);
  const opening = openingOf(bytes);
  return {
    ok: true,
    facts: {
      dialect,
      model: model.text ?? '',
      stream,
      usageWanted,
      maxOutput: limit?.tokens ?? null,
      thinkingBudget: findings.thinkingBudget,
      choices,
      ...inputTokens(body),
      cacheWrites: findings.cacheWrites,
      fees: findings.fees(choices),
      unknownFields: findings.unknownFields,
      places: {
        opening,
        empty: false,
        model: spanOf(model),
        maxOutput: limit?.at ?? null,
        outputLimits,
        ...usagePlaces,
      },
    },
  };
}

/** Just after the opening brace: white space is all that may stand before it. */
function openingOf(bytes: Uint8Array): number {
  return bytes.indexOf(0x7b) + 1;
}

/** The light reading for /v1/messages/count_tokens, which costs nothing: a model, and the right dialect. */
export function readCountTokens(bytes: Uint8Array): CountTokensResult {
  const body = new Body('messages', bytes);
  const fault = body.read();
  if (fault !== null) return { ok: false, ...fault };
  const model = readModel(body);
  if (body.findings.refusal !== null && !isAboutPrice(body.findings.refusal)) {
    return { ok: false, ...body.findings.refusal };
  }
  if (model === null)
    return { ok: false, reason: 'invalid_field', field: 'model', expected: 'the name of a model' };
  return { ok: true, model: model.text ?? '', modelSpan: spanOf(model) };
}

/** What only bears on the price is no reason to refuse a count; what is stored by others still is. */
function isAboutPrice(refusal: BodyRefusal): boolean {
  return refusal.reason === 'unsupported_feature' && /price|billed/.test(refusal.why);
}
