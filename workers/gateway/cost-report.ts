/**
 * The cost of a call in its answer, for clients that ask: a member beside `usage` of a document, a
 * comment or an event before the last word of a stream. Without the header an answer stays the
 * provider's own, byte for byte.
 */
import { DIALECT_SPECS, type RequestError } from '@farebox/dialects';
import { costWithoutMargin, formatMarginPercent, formatUsd } from '@farebox/money';
import { type Meter, type Reading, withStage } from '@farebox/providers';
import { type Bill, knownCost } from './bill.ts';
import type { Call } from './call.ts';
import { callOutcome, computeRevisedBill } from './settle-call.ts';

export const COST_HEADER = 'x-farebox-include-cost';

/**
 * `comment` is a comment of a stream, which parsers ignore; `event` is one that SDKs see; `any` is
 * what the clients of the dialect are sure to read past.
 */
type CostForm = 'none' | 'any' | 'comment' | 'event';

export const COST_FORMS: ReadonlyMap<string | null, CostForm> = new Map([
  [null, 'none'],
  ['false', 'none'],
  ['true', 'any'],
  ['comment', 'comment'],
  ['event', 'event'],
]);

const ENCODER = new TextEncoder();
const CLOSING_BRACE = 0x7d;
const SPACE = 0x20;

/** Returns the error of a header that asks for something unknown. */
export function checkCostHeader(headers: Headers): RequestError | null {
  if (COST_FORMS.has(headers.get(COST_HEADER))) return null;
  return { reason: 'invalid_field', field: COST_HEADER, expected: 'true, comment or event' };
}

export function costForm({ ctx }: Pick<Call, 'ctx'>): CostForm {
  return COST_FORMS.get(ctx.request.headers.get(COST_HEADER)) ?? 'none';
}

export type CostJson = Readonly<{
  usd: string;
  nano_usd: string;
  reason: string;
  price_rule: string;
  /** The platform's margin, and the cost at the provider's own prices; absent without a margin. */
  margin_percent?: string;
  nano_usd_at_provider_prices?: string;
}>;

function marginJson(bill: Bill): Pick<CostJson, 'margin_percent' | 'nano_usd_at_provider_prices'> {
  const { marginBasisPoints, cost } = bill;
  if (marginBasisPoints === 0) return {};
  return {
    margin_percent: formatMarginPercent(marginBasisPoints),
    nano_usd_at_provider_prices: costWithoutMargin(cost, bill).toString(),
  };
}

/** Returns whether the answer tells its cost: asked for, or in the header of a document. */
export function statesCost(call: Call): boolean {
  return !call.plan.facts.stream || costForm(call) !== 'none';
}

/**
 * The cost of an answer that is whole: what will be charged, unless the balance is short of it. Null
 * where only the account knows.
 */
function costJson(call: Call, reading: Reading): CostJson | null {
  const hiddenMs = call.plan.model.hidesReasoning ? call.ctx.clock() - call.startedAt : 0;
  return toCostJson(computeRevisedBill(call, callOutcome(call, reading, 'complete', hiddenMs)));
}

/** States what a bill charges; null where only the account knows. */
export function toCostJson(bill: Bill): CostJson | null {
  const cost = knownCost(bill);
  if (cost === null) return null;
  return {
    usd: formatUsd(cost),
    nano_usd: cost.toString(),
    reason: bill.reason,
    price_rule: bill.priceRule,
    ...marginJson(bill),
  };
}

/** Returns what states the cost before the last word of a stream; undefined if nobody asked. */
export function streamCostWriter(call: Call): ((reading: Reading) => Uint8Array) | undefined {
  const form = costForm(call);
  const { stream, streamFormat } = call.plan.facts;
  if (form === 'none' || !stream || streamFormat === 'array') return undefined;
  const spec = DIALECT_SPECS[call.plan.facts.dialect].answer;
  const isEvent = (form === 'any' ? spec.costForm : form) === 'event';
  return (reading) => {
    const cost = costJson(call, reading);
    if (cost === null) return new Uint8Array(0);
    const text = isEvent
      ? spec.frameEvent(spec.toCostEvent(cost))
      : `: cost ${JSON.stringify(cost)}\n\n`;
    return ENCODER.encode(text);
  };
}

/** Withholds the end of a document from its last closing brace on, so that a member fits before it. */
class DocumentTail {
  #tail: Uint8Array[] = [];

  push(piece: Uint8Array): readonly Uint8Array[] {
    const brace = piece.lastIndexOf(CLOSING_BRACE);
    if (brace < 0 && piece.every((byte) => byte <= SPACE)) {
      // The memory of a piece is used again for the next.
      this.#tail.push(piece.slice());
      return [];
    }
    const passed = this.#tail;
    this.#tail = brace < 0 ? [] : [piece.slice(brace)];
    return [...passed, brace < 0 ? piece : piece.subarray(0, brace)].filter(
      ({ length }) => length > 0,
    );
  }

  /** Returns what was withheld, with `member` before it. */
  end(member: string | null): readonly Uint8Array[] {
    return member === null ? this.#tail : [ENCODER.encode(member), ...this.#tail];
  }
}

/** Adds the cost to the document that `meter` returns, if the client asked for it. */
export function withCostMember(call: Call, meter: Meter): Meter {
  if (costForm(call) === 'none' || call.plan.facts.stream) return meter;
  return appendCost(meter, () => costJson(call, meter.reading()));
}

/** Adds the cost to a document at its end. */
export function appendCost(meter: Meter, readCost: () => CostJson | null): Meter {
  const tail = new DocumentTail();
  const push = (pieces: readonly Uint8Array[]) => pieces.flatMap((piece) => tail.push(piece));
  return withStage(meter, {
    feed: push,
    end: (ended) => {
      const pieces = push(ended);
      const isAnswer = meter.verdict().kind === 'answer';
      const cost = isAnswer ? readCost() : null;
      const member = cost === null ? null : `,"cost":${JSON.stringify(cost)}`;
      return [...pieces, ...tail.end(member)];
    },
  });
}
