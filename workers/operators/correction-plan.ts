/** The forms of a correction, and what it gives back for each call. Pure. */
import { computeOvercharge } from '@farebox/catalog';
import type {
  BilledGeneration,
  CallPosition,
  CorrectionRule,
  PlannedCall,
  RuleCalls,
} from '@farebox/database/operators';
import { BUCKETS, type Bucket, type NanoUsd, type Prices, parseTypedUsd } from '@farebox/money';

/** One call and what it should have cost, or all calls of a price rule and the right prices. */
export type CorrectionScope =
  | Readonly<{ kind: 'call'; callId: string; cost: NanoUsd }>
  | Readonly<{ kind: 'rule'; rule: CorrectionRule }>;

const MOMENT = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?)?$/;
const PRINTABLE = /^[!-~]+$/;

/** Reads a date or a time in UTC; undefined for a day that its month does not have. */
function parseMoment(text: string): number | undefined {
  if (!MOMENT.test(text)) return undefined;
  const [day = '', time = '00:00'] = text.split('T');
  const at = Date.parse(`${day}T${time}Z`);
  // JavaScript reads February 30 as March 2.
  const isDay = !Number.isNaN(at) && new Date(at).toISOString().startsWith(day);
  return isDay ? at : undefined;
}

export function priceFieldName(bucket: Bucket): string {
  return `price_${bucket}`;
}

/** The fields of a form or of a URL, by their names; an absent one is empty. */
export type FieldReader = (name: string) => string;

/** Undefined if a price is malformed or none is given. */
function parsePrices(text: FieldReader): Partial<Prices> | undefined {
  const given = BUCKETS.flatMap((bucket) => {
    const price = text(priceFieldName(bucket)).trim();
    return price === '' ? [] : [[bucket, parseTypedUsd(price)] as const];
  });
  const valid = given.flatMap(([bucket, price]) => (price.ok ? [[bucket, price.amount]] : []));
  return valid.length === 0 || valid.length < given.length ? undefined : Object.fromEntries(valid);
}

/** Parses the id of a call; undefined if it is none. */
export function parseCallId(text: FieldReader): string | undefined {
  const callId = text('call').trim();
  return /^[0-9a-f]{32}$/.test(callId) ? callId : undefined;
}

/** Parses which calls a correction concerns; undefined if a field is invalid. */
export function parseRuleCalls(text: FieldReader): RuleCalls | undefined {
  const [model, priceRule] = [text('model').trim(), text('price_rule').trim()];
  const [from, until] = [parseMoment(text('from')), parseMoment(text('until'))];
  if (from === undefined || until === undefined) return undefined;
  if (from >= until || !PRINTABLE.test(model) || !PRINTABLE.test(priceRule)) return undefined;
  if (model.length > 128 || priceRule.length > 160) return undefined;
  return { model, priceRule, from, until };
}

/** Parses the form of a correction; undefined if a field is invalid. */
export function parseCorrectionScope(text: FieldReader): CorrectionScope | undefined {
  if (text('scope') === 'call') {
    const callId = parseCallId(text);
    const cost = parseTypedUsd(text('cost'));
    return callId === undefined || !cost.ok
      ? undefined
      : { kind: 'call', callId, cost: cost.amount };
  }
  const selected = parseRuleCalls(text);
  const prices = parsePrices(text);
  if (selected === undefined || prices === undefined) return undefined;
  return { kind: 'rule', rule: { ...selected, prices } };
}

/** Parses how far calls were read: null if none was, undefined if a field is invalid. */
export function parsePosition(text: FieldReader): CallPosition | null | undefined {
  const [at, id] = [text('after_at'), text('after_id')];
  if (at === '' && id === '') return null;
  return /^\d{1,15}$/.test(at) && /^[0-9a-f]{32}$/.test(id)
    ? { createdAt: Number(at), id }
    : undefined;
}

/** Returns what one call gives back if it should have cost `cost`; nothing if it was not more. */
export function planCall({ accountId, generation }: BilledGeneration, cost: NanoUsd) {
  const amount = generation.charged - cost;
  return amount > 0n ? [{ accountId, callId: generation.id, amount }] : [];
}

/** Whether all were charged at the same prices: a rule may have other prices for other terms. */
function haveSamePrices(charged: Prices, calls: readonly BilledGeneration[]): boolean {
  return calls.every(({ generation: { prices } }) =>
    BUCKETS.every((bucket) => prices?.[bucket] === charged[bucket]),
  );
}

/**
 * Plans a page of a rule's calls: each gives back what the right prices leave over. Undefined if one
 * was charged at other prices than `charged`.
 */
export function planPage(
  charged: Prices,
  page: readonly BilledGeneration[],
  rightPrices: Partial<Prices>,
): readonly PlannedCall[] | undefined {
  if (!haveSamePrices(charged, page)) return undefined;
  return page.flatMap(({ accountId, generation }) => {
    const { id, usage, prices, fees, charged: paid } = generation;
    if (usage === null || prices === null) return [];
    const amount = computeOvercharge({ usage, prices, fees, charged: paid }, rightPrices);
    return amount > 0n ? [{ accountId, callId: id, amount }] : [];
  });
}
