/**
 * What a correction would give back, and which kinds of tokens its calls used. The calls of a price
 * rule are read in portions: one request reads a bounded number, and the next one goes on behind
 * them with the sums so far, which the page carries.
 */
import {
  type BilledGeneration,
  type CallPosition,
  countAccountsOfRule,
  findChargedPrices,
  findCorrectableCall,
  listCallsOfRule,
  type PlannedCall,
  type RuleCalls,
  readUsedKinds,
} from '@farebox/database/operators';
import { BUCKETS, type Bucket, type NanoUsd, type Prices } from '@farebox/money';
import { type CorrectionScope, planCall, planPage } from './correction-plan.ts';
import type { OperatorDeps } from './env.ts';
import type { ActionError } from './strings.ts';

/** A page is one parameter of one statement, and one answer of the database. */
const PAGE_SIZE = 1_000;
/**
 * What one request reads. 10,000 calls took 2 to 6 seconds of CPU with the database in the same
 * process; a Worker has 30 (https://developers.cloudflare.com/workers/platform/limits/#cpu-time).
 */
const PAGES_PER_REQUEST = 10;
/** Only sums of these leave the database. */
const KINDS_PAGE_SIZE = 20_000;

type Deps = Readonly<{
  db: OperatorDeps['db'];
  /** Smaller in tests. */
  pageSize?: number;
}>;

type RulePage = Readonly<{
  /** Undefined if a call was charged at other prices than the first one of the rule. */
  planned: readonly PlannedCall[] | undefined;
  last: CallPosition;
}>;

function toPosition({ generation: { createdAt, id } }: BilledGeneration): CallPosition {
  return { createdAt, id };
}

/**
 * Plans the calls of a rule behind `after`, at most what one request reads. Returns where the next
 * request goes on; null if nothing is left.
 */
export async function* planRule(
  { db, pageSize = PAGE_SIZE }: Deps,
  rule: RuleCalls & Readonly<{ prices: Partial<Prices> }>,
  after: CallPosition | null,
): AsyncGenerator<RulePage, CallPosition | null> {
  const charged = await findChargedPrices(db, rule);
  if (charged === undefined) return null;
  let position = after;
  for (let page = 0; page < PAGES_PER_REQUEST; page += 1) {
    const listed = await listCallsOfRule(db, rule, position, pageSize);
    const last = listed.at(-1);
    if (last === undefined) return null;
    position = toPosition(last);
    yield { planned: planPage(charged, listed, rule.prices), last: position };
    if (listed.length < pageSize) return null;
  }
  return position;
}

/** The kinds of tokens that the calls of a rule used, as far as they were read. */
export type RuleKinds = Readonly<{
  calls: number;
  kinds: readonly Bucket[];
  charged: Prices;
  /** Where reading goes on; null once all calls were read. */
  next: CallPosition | null;
}>;
type KindsResult =
  | Readonly<{ ok: true; found: RuleKinds }>
  | Readonly<{ ok: false; reason: ActionError }>;

/** Reads on which kinds of tokens a rule's calls used, with what was found before. */
export async function readRuleKinds(
  { db, pageSize = KINDS_PAGE_SIZE }: Deps,
  rule: RuleCalls,
  before: Pick<RuleKinds, 'calls' | 'kinds' | 'next'>,
): Promise<KindsResult> {
  const charged = await findChargedPrices(db, rule);
  if (charged === undefined) return { ok: false, reason: 'nothing_to_correct' };
  const kinds = new Set(before.kinds);
  let { calls, next } = before;
  for (let page = 0; page < PAGES_PER_REQUEST; page += 1) {
    const used = await readUsedKinds(db, rule, charged, next, pageSize);
    if (used.isMixed) return { ok: false, reason: 'mixed_prices' };
    for (const kind of used.kinds) kinds.add(kind);
    calls += used.calls;
    next = used.calls < pageSize ? null : used.last;
    if (next === null) break;
  }
  if (calls === 0) return { ok: false, reason: 'nothing_to_correct' };
  const found = { calls, kinds: BUCKETS.filter((bucket) => kinds.has(bucket)), charged, next };
  return { ok: true, found };
}

/** The sums of a plan, as far as it was read. `largest` is what the most overcharged call gets. */
export type PlanSums = Readonly<{
  calls: number;
  amount: NanoUsd;
  largest: NanoUsd;
  /** Behind which call reading goes on; null before the first call and once all were read. */
  next: CallPosition | null;
}>;
export const NO_SUMS: PlanSums = { calls: 0, amount: 0n, largest: 0n, next: null };

/** `accounts` is counted once all calls were read; until then `sums.next` says where to go on. */
type PreviewResult =
  | Readonly<{ ok: true; sums: PlanSums; accounts: number }>
  | Readonly<{ ok: false; reason: ActionError }>;

function addPlanned(sums: PlanSums, planned: readonly PlannedCall[]): PlanSums {
  let { calls, amount, largest } = sums;
  for (const call of planned) {
    calls += 1;
    amount += call.amount;
    if (call.amount > largest) largest = call.amount;
  }
  return { ...sums, calls, amount, largest };
}

async function previewRule(
  deps: Deps,
  rule: RuleCalls & Readonly<{ prices: Partial<Prices> }>,
  before: PlanSums,
): Promise<PreviewResult> {
  const pages = planRule(deps, rule, before.next);
  let sums = before;
  for (;;) {
    const page = await pages.next();
    if (page.done === true) {
      if (page.value !== null)
        return { ok: true, sums: { ...sums, next: page.value }, accounts: 0 };
      if (sums.calls === 0) return { ok: false, reason: 'nothing_to_correct' };
      const accounts = await countAccountsOfRule(deps.db, rule);
      return { ok: true, sums: { ...sums, next: null }, accounts };
    }
    const { planned } = page.value;
    if (planned === undefined) return { ok: false, reason: 'mixed_prices' };
    sums = addPlanned(sums, planned);
  }
}

/** Plans the correction of one call: nothing if it can't be corrected, or would not cost less. */
export async function planOneCall(
  { db }: Deps,
  { callId, cost }: Extract<CorrectionScope, { kind: 'call' }>,
): Promise<readonly PlannedCall[]> {
  const call = await findCorrectableCall(db, callId);
  return call === undefined ? [] : planCall(call, cost);
}

/** Computes on what a correction would give back now, with the sums of what was read before. */
export async function previewCorrection(
  deps: Deps,
  scope: CorrectionScope,
  before: PlanSums,
): Promise<PreviewResult> {
  if (scope.kind === 'rule') return previewRule(deps, scope.rule, before);
  const planned = await planOneCall(deps, scope);
  if (planned.length === 0) return { ok: false, reason: 'nothing_to_correct' };
  return { ok: true, sums: addPlanned(NO_SUMS, planned), accounts: 1 };
}
