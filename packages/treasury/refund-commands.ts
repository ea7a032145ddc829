/** The commands that pay refunds: each parses its options and prints or writes the result. */
import { existsSync } from 'node:fs';
import { CHAIN_DEFAULTS, formatAddress } from '@farebox/deposits';
import { type CommandContext, createNetwork } from './command-context.ts';
import {
  amountOption,
  HOUR_MS,
  integerOption,
  type Options,
  readJson,
  textOption,
  UsageError,
  writeNew,
} from './command-line.ts';
import { COIN_DECIMALS } from './costs.ts';
import { COIN_SYMBOLS, formatUnits } from './describe-plan.ts';
import { openKeys } from './key-commands.ts';
import { planRefunds, type RefundPlanResult } from './refund-plan.ts';
import {
  parseRefundList,
  parseRefundPlan,
  parseSignedRefunds,
  type RefundList,
  type RefundPlan,
  type SignedRefundPlan,
} from './refund-plan-file.ts';
import { appendRecord, readRecord } from './refund-record.ts';
import { reportRefunds } from './refund-report.ts';
import { signRefunds } from './refund-sign.ts';
import { sendSigned } from './send-signed.ts';

function listOption(options: Options): RefundList {
  const list = parseRefundList(readJson(textOption(options, 'refunds')));
  if (list === null) throw new UsageError('The file of --refunds isn’t a list of refunds.');
  return list;
}

function signedOption(options: Options): SignedRefundPlan {
  const signed = parseSignedRefunds(readJson(textOption(options, 'signed')));
  if (signed === null) throw new UsageError('The file of --signed isn’t a signed plan of refunds.');
  return signed;
}

function unwrapPlan(result: RefundPlanResult, { chain }: RefundList): RefundPlan {
  if (result.ok) return result.plan;
  const { family, decimals } = CHAIN_DEFAULTS[chain];
  switch (result.reason) {
    case 'payout_account_underfunded':
      throw new UsageError(
        `The payout account ${formatAddress(family, result.payoutAccount)} needs ${formatUnits(result.missingUnits, decimals)} more USDT and ${formatUnits(result.missingCoins, COIN_DECIMALS[family])} more ${COIN_SYMBOLS[chain]}.`,
      );
    case 'invalid_key':
      throw new UsageError('--xpub isn’t the public key of an account.');
    case 'unreachable':
      throw new UsageError('The network is unreachable. Nothing was planned.');
    case 'wrong_chain':
      throw new UsageError(`--rpc isn’t a node of ${chain}.`);
    default:
      throw new UsageError(`Refund ${result.refund}: ${result.reason}. Nothing was planned.`);
  }
}

/** Prints what a plan pays, for the operator to review. */
function describeRefunds(print: (line: string) => void, plan: RefundPlan): void {
  const { family, decimals } = CHAIN_DEFAULTS[plan.chain];
  const total = plan.steps.reduce((sum, { units }) => sum + BigInt(units), 0n);
  const coins = formatUnits(BigInt(plan.maxFee), COIN_DECIMALS[family]);
  print(`plan         ${plan.id}`);
  print(`network      ${plan.chain}`);
  print(`refunds      ${plan.steps.length}, ${formatUnits(total, decimals)} USDT`);
  print(`max cost     ${coins} ${COIN_SYMBOLS[plan.chain]}`);
  print(`expires      ${new Date(plan.expiresAt).toISOString()}`);
  for (const { refund, attempt, to, units } of plan.steps) {
    const amount = formatUnits(BigInt(units), decimals);
    print(`refund       ${refund} (${attempt}): ${amount} USDT to ${formatAddress(family, to)}`);
  }
}

export async function refundsPlan(context: CommandContext, options: Options): Promise<number> {
  const list = listOption(options);
  const network = createNetwork(context, options);
  const chain = { ...CHAIN_DEFAULTS[list.chain], providers: [network.provider], startBlock: null };
  const result = await planRefunds(network, {
    chain,
    xpub: textOption(options, 'xpub'),
    list,
    marginPercent: BigInt(integerOption(options, 'margin', 50, 900)),
    validMs: integerOption(options, 'hours', 12, 24) * HOUR_MS,
    now: context.now(),
  });
  const plan = unwrapPlan(result, list);
  writeNew(textOption(options, 'out'), plan);
  describeRefunds(context.print, plan);
  return 0;
}

export async function refundsSign(context: CommandContext, options: Options): Promise<number> {
  const plan = parseRefundPlan(readJson(textOption(options, 'plan')));
  if (plan === null) throw new UsageError('The file of --plan isn’t a plan of refunds.');
  const [out, recordPath] = [textOption(options, 'out'), textOption(options, 'record')];
  if (existsSync(out)) throw new UsageError(`${out} already exists.`);
  const { family, decimals } = CHAIN_DEFAULTS[plan.chain];
  describeRefunds(context.print, plan);
  const result = signRefunds(plan, {
    list: listOption(options),
    record: readRecord(recordPath),
    confirmed: amountOption(options, 'confirm', decimals),
    maxFee: amountOption(options, 'max-fee', COIN_DECIMALS[family]),
    keys: await openKeys(context, options),
    now: context.now(),
  });
  if (!result.ok) {
    const where = result.refund === null ? 'The plan' : `Refund ${result.refund}`;
    context.print(`${where} is rejected: ${result.reason}. Nothing was signed.`);
    return 1;
  }
  // The record first: a signature that nobody knows of could pay an attempt twice.
  appendRecord(recordPath, result.attempts);
  writeNew(out, result.signed);
  context.print(`${result.signed.steps.length} payments are signed.`);
  return 0;
}

export function refundsBroadcast(context: CommandContext, options: Options): Promise<number> {
  return sendSigned(context, options, signedOption(options));
}

export async function refundsReport(context: CommandContext, options: Options): Promise<number> {
  const made = await reportRefunds(createNetwork(context, options), signedOption(options));
  if (made === null) throw new UsageError('The network is unreachable. Nothing was written.');
  writeNew(textOption(options, 'out'), made);
  context.print(`${made.paid.length} payments are final, ${made.unfinished.length} are not.`);
  for (const { refund, reason } of made.unfinished) context.print(`${refund} ${reason}`);
  return made.unfinished.length === 0 ? 0 : 1;
}
