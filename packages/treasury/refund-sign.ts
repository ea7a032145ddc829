/**
 * Signs the payments of refunds, offline. Neither the plan's description is trusted nor that it pays
 * what operators approved: every step is decoded from the bytes that would be signed, and has to be
 * exactly a line of the list. Each attempt is signed for one transaction only. Pure.
 */
import { CHAIN_DEFAULTS } from '@farebox/deposits';
import { err, ok, type Result } from '@farebox/result';
import { GAS_PATH, PAYOUT_PATH, type SignError } from './contract.ts';
import type { Account, Keyring } from './keyring.ts';
import { checkRefundList, type RefundListError, sumUnits } from './refund-list.ts';
import {
  type RefundList,
  type RefundPayment,
  type RefundPlan,
  type RefundStep,
  refundPlanId,
  type SignedRefundPlan,
} from './refund-plan-file.ts';
import type { SignedAttempt } from './refund-record.ts';
import { MAX_VALIDITY_MS } from './sign.ts';
import { type DecodedStep, decodeStep, signStep } from './steps.ts';

export type RefundSignOptions = Readonly<{
  keys: Keyring;
  /** The list that operators downloaded. */
  list: RefundList;
  /** The attempts that were signed before. */
  record: readonly SignedAttempt[];
  /** The sum of all payments in token units, typed again by the operator who signs. */
  confirmed: bigint;
  /** In the coin's smallest unit: the limit for the fees of all payments together. */
  maxFee: bigint;
  now: number;
}>;

export type RefundSignError =
  | Exclude<SignError, 'not_a_plan' | `destination_${string}` | 'funds_unrelated_address'>
  | RefundListError
  /** The plan doesn't pay exactly what is on the list. */
  | 'not_the_list'
  | 'total_not_confirmed'
  /** This attempt was signed before, for another transaction. */
  | 'already_signed'
  /** Two payments are the same transaction. */
  | 'same_transaction';

/** `refund` is null when the plan as a whole is rejected. */
export type RefundSignResult = Result<
  { signed: SignedRefundPlan; attempts: readonly SignedAttempt[] },
  { reason: RefundSignError; refund: string | null }
>;

function checkPlan(
  plan: RefundPlan,
  account: Account,
  payments: readonly RefundPayment[],
  options: RefundSignOptions,
): RefundSignError | null {
  const { token, chainId } = CHAIN_DEFAULTS[plan.chain];
  if (refundPlanId(plan) !== plan.id) return 'plan_id_mismatch';
  if (plan.fingerprint !== account.fingerprint) return 'key_mismatch';
  if (plan.token !== token) return 'wrong_token';
  if (plan.chainId !== chainId || options.list.chain !== plan.chain) return 'wrong_chain';
  if (plan.expiresAt <= options.now) return 'expired';
  if (plan.expiresAt - options.now > MAX_VALIDITY_MS) return 'valid_too_long';
  if (plan.steps.length !== payments.length) return 'not_the_list';
  return sumUnits(payments) === options.confirmed ? null : 'total_not_confirmed';
}

/** Checks one step, as decoded from its bytes, against its line of the list. */
function checkStep(
  plan: RefundPlan,
  account: Account,
  step: RefundStep,
  decoded: DecodedStep | null,
  payment: RefundPayment | undefined,
): RefundSignError | null {
  if (decoded === null) return 'not_canonical';
  const { chainId, signer, expiresAt, action } = decoded;
  const from = account.addressAt(PAYOUT_PATH);
  const isPayout = step.signer.chain === PAYOUT_PATH.chain && step.signer.index === 1;
  if (!isPayout || from !== step.from || (signer !== null && signer !== from)) {
    return 'foreign_signer';
  }
  if (chainId !== null && chainId !== plan.chainId) return 'wrong_chain';
  if (expiresAt !== null && expiresAt !== plan.expiresAt) return 'valid_too_long';
  if (action.kind !== 'call' || action.transfer === null) return 'not_a_transfer';
  if (action.contract !== CHAIN_DEFAULTS[plan.chain].token) return 'wrong_token';
  if (payment === undefined || payment.attempt !== step.attempt) return 'not_the_list';
  const { to, units } = action.transfer;
  if (to !== payment.to || step.to !== to) return 'wrong_recipient';
  const isAmount = units === payment.units && BigInt(step.units) === units;
  return isAmount && action.coins === 0n ? null : 'wrong_amount';
}

function isOtherTransaction(attempt: SignedAttempt, signed: SignedAttempt): boolean {
  const isSame = attempt.refund === signed.refund && attempt.attempt === signed.attempt;
  return isSame && attempt.txHash !== signed.txHash;
}

/**
 * Checks a plan and signs all its payments, or none. The attempts have to be recorded before the
 * signed plan leaves the process. Signing the same plan again gives the same transactions (RFC 6979).
 */
export function signRefunds(plan: RefundPlan, options: RefundSignOptions): RefundSignResult {
  const { family } = CHAIN_DEFAULTS[plan.chain];
  const account = options.keys.account(family);
  const checked = checkRefundList(options.list, [
    account.addressAt(PAYOUT_PATH),
    account.addressAt(GAS_PATH),
  ]);
  if (!checked.ok) return checked;
  const planError = checkPlan(plan, account, checked.payments, options);
  if (planError !== null) return err(planError, { refund: null });
  const payments = new Map(checked.payments.map((payment) => [payment.refund, payment]));
  let fees = 0n;
  for (const step of plan.steps) {
    const { refund, raw } = step;
    const decoded = decodeStep(family, raw);
    const reason = checkStep(plan, account, step, decoded, payments.get(refund));
    if (reason !== null) return err(reason, { refund });
    // The next step of the same refund finds no line.
    payments.delete(refund);
    fees += decoded?.fee ?? 0n;
  }
  if (fees > options.maxFee) return err('fees_too_high', { refund: null });
  const steps = plan.steps.map((step) => signStep(family, account, step));
  if (new Set(steps.map(({ txHash }) => txHash)).size < steps.length) {
    return err('same_transaction', { refund: null });
  }
  const attempts = steps.map(({ refund, attempt, txHash }) => ({ refund, attempt, txHash }));
  const again = attempts.find((one) => options.record.some((old) => isOtherTransaction(one, old)));
  if (again !== undefined) return err('already_signed', { refund: again.refund });
  return ok({ signed: { ...plan, steps }, attempts });
}
