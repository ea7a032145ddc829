/**
 * The files of refunds: the list that operators download, the plan of its payments, and the same
 * plan signed. Only shapes are parsed here; `signRefunds` checks the content.
 */
import { CHAINS, type HexAddress } from '@farebox/deposits';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import * as v from 'valibot';
import type { Plan, SignedStep, Step } from './contract.ts';
import { PLAN_ENTRIES, parse, SIGNED_ENTRIES, STEP_ENTRIES } from './plan-file.ts';

const REFUND_ENTRIES = {
  refund: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  attempt: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(32_767)),
};
const REFUND_LIST = v.object({
  version: v.literal(1),
  chain: v.picklist(CHAINS),
  refunds: v.pipe(
    v.array(
      v.object({
        ...REFUND_ENTRIES,
        address: v.string(),
        units: v.pipe(v.string(), v.regex(/^[1-9]\d{0,77}$/)),
      }),
    ),
    v.nonEmpty(),
    v.maxLength(1_000),
  ),
});
/** What operators download: what to pay, to whom, in the token's units. */
export type RefundList = Readonly<v.InferOutput<typeof REFUND_LIST>>;

/** One attempt to pay a refund. */
export type RefundStep = Step & Readonly<{ refund: string; attempt: number }>;
export type RefundPlan = Omit<Plan, 'destination' | 'steps'> &
  Readonly<{ steps: readonly RefundStep[] }>;
export type SignedRefundStep = RefundStep & SignedStep;
export type SignedRefundPlan = Omit<RefundPlan, 'steps'> &
  Readonly<{ steps: readonly SignedRefundStep[] }>;

const { destination: _, ...HEAD_ENTRIES } = PLAN_ENTRIES;
const REFUND_STEP = { ...STEP_ENTRIES, ...REFUND_ENTRIES, kind: v.literal('refund') };
const REFUND_PLAN = v.object({
  ...HEAD_ENTRIES,
  steps: v.pipe(v.array(v.object(REFUND_STEP)), v.nonEmpty()),
});
const SIGNED_REFUND_PLAN = v.object({
  ...HEAD_ENTRIES,
  steps: v.pipe(v.array(v.object({ ...REFUND_STEP, ...SIGNED_ENTRIES })), v.nonEmpty()),
});

export function parseRefundList(value: unknown): RefundList | null {
  return parse(REFUND_LIST, value);
}

export function parseRefundPlan(value: unknown): RefundPlan | null {
  return parse(REFUND_PLAN, value);
}

export function parseSignedRefunds(value: unknown): SignedRefundPlan | null {
  return parse(SIGNED_REFUND_PLAN, value);
}

/** SHA-256 in hexadecimal over all values of the plan, in a fixed order. */
export function refundPlanId(plan: Omit<RefundPlan, 'id'>): string {
  const { version, chain, chainId, token, fingerprint, plannedAt, expiresAt, maxFee } = plan;
  const listed = plan.steps.map(({ refund, attempt, signer, from, to, units, raw }) => [
    ...[refund, attempt, signer.chain, signer.index, from, to, units, raw],
  ]);
  const head = ['refunds', version, chain, chainId, token, fingerprint, plannedAt, expiresAt];
  return bytesToHex(sha256(utf8ToBytes(JSON.stringify([...head, maxFee, listed]))));
}

/** What a list says of one refund, with its address in hexadecimal. */
export type RefundPayment = Readonly<{
  refund: string;
  attempt: number;
  to: HexAddress;
  units: bigint;
}>;
