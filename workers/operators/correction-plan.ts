/** What a correction gives back for each call. Pure. */
import { computeOvercharge } from '@farebox/catalog';
import type { BilledGeneration, CorrectionRule, PlannedCall } from '@farebox/database/operators';
import type { Form } from '@farebox/design';
import { BUCKETS, type Bucket, type NanoUsd, type Prices, parseUsd } from '@farebox/money';

/** One call and what it should have cost, or all calls of a price rule and the right prices. */
export type CorrectionScope =
  | Readonly<{ kind: 'call'; callId: string; cost: NanoUsd }>
  | Readonly<{ kind: 'rule'; rule: CorrectionRule }>;

const MOMENT = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?)?$/;
const PRINTABLE = /^[!-~]+$/;

/** Reads a date or a time in UTC. */
function parseMoment(text: string): number | undefined {
  if (!MOMENT.test(text)) return undefined;
  const at = Date.parse(text.includes('T') ? `${text}Z` : `${text}T00:00Z`);
  return Number.isNaN(at) ? undefined : at;
}

export function priceFieldName(bucket: Bucket): string {
  return `price_${bucket}`;
}

/** Undefined if a price is malformed or none is given. */
function parsePrices(form: Form): Partial<Prices> | undefined {
  const given = BUCKETS.flatMap((bucket) => {
    const text = form.text(priceFieldName(bucket)).trim();
    return text === '' ? [] : [[bucket, parseUsd(text)] as const];
  });
  const valid = given.flatMap(([bucket, price]) => (price === undefined ? [] : [[bucket, price]]));
  return valid.length === 0 || valid.length < given.length ? undefined : Object.fromEntries(valid);
}

/** Parses the form of a correction; undefined if a field is invalid. */
export function parseCorrectionScope(form: Form): CorrectionScope | undefined {
  if (form.text('scope') === 'call') {
    const callId = form.text('call').trim();
    const cost = parseUsd(form.text('cost').trim());
    if (!/^[0-9a-f]{32}$/.test(callId) || cost === undefined) return undefined;
    return { kind: 'call', callId, cost };
  }
  const [model, priceRule] = [form.text('model').trim(), form.text('price_rule').trim()];
  const [from, until] = [parseMoment(form.text('from')), parseMoment(form.text('until'))];
  const prices = parsePrices(form);
  if (from === undefined || until === undefined || prices === undefined) return undefined;
  if (from >= until || !PRINTABLE.test(model) || !PRINTABLE.test(priceRule)) return undefined;
  if (model.length > 128 || priceRule.length > 160) return undefined;
  return { kind: 'rule', rule: { model, priceRule, from, until, prices } };
}

/** Returns what one call gives back if it should have cost `cost`; nothing if it was not more. */
export function planCall({ accountId, generation }: BilledGeneration, cost: NanoUsd) {
  const amount = generation.charged - cost;
  return amount > 0n ? [{ accountId, callId: generation.id, amount }] : [];
}

/** Whether all were charged at the same prices: a rule may have other prices for other terms. */
function haveSamePrices(first: BilledGeneration, calls: readonly BilledGeneration[]): boolean {
  return calls.every(({ generation: { prices } }) =>
    BUCKETS.every((bucket) => prices?.[bucket] === first.generation.prices?.[bucket]),
  );
}

/**
 * Plans a page of a rule's calls: each gives back what the right prices leave over. Undefined if one
 * was charged at other prices than `first`, the first call of the first page.
 */
export function planPage(
  first: BilledGeneration,
  page: readonly BilledGeneration[],
  rightPrices: Partial<Prices>,
): readonly PlannedCall[] | undefined {
  if (!haveSamePrices(first, page)) return undefined;
  return page.flatMap(({ accountId, generation }) => {
    const { id, usage, prices, fees, charged } = generation;
    if (usage === null || prices === null) return [];
    const amount = computeOvercharge({ usage, prices, fees, charged }, rightPrices);
    return amount > 0n ? [{ accountId, callId: id, amount }] : [];
  });
}
