/**
 * The treasury's commands: each parses its options, does its work, and prints or writes the result.
 */
import {
  CHAIN_DEFAULTS,
  type ChainName,
  formatAddress,
  type HexAddress,
  parseWatchKey,
} from '@farebox/deposits';
import { type Command, type CommandContext, createNetwork } from './command-context.ts';
import {
  addressOption,
  amountOption,
  chainOption,
  HOUR_MS,
  integerOption,
  type Options,
  readAddresses,
  readJson,
  readText,
  textOption,
  UsageError,
  writeNew,
} from './command-line.ts';
import type { SignedPlan } from './contract.ts';
import { COIN_DECIMALS } from './costs.ts';
import { COIN_SYMBOLS, describePlan, formatUnits } from './describe-plan.ts';
import { keysImport, keysNew, keysShow, openKeys } from './key-commands.ts';
import { makePlan, type PlanResult } from './plan.ts';
import { parsePlan, parseSignedPlan } from './plan-file.ts';
import { refundsBroadcast, refundsPlan, refundsReport, refundsSign } from './refund-commands.ts';
import { makeReport } from './report.ts';
import { sendSigned } from './send-signed.ts';
import { signPlan } from './sign.ts';

function unwrapPlan(result: PlanResult, chain: ChainName): Extract<PlanResult, { ok: true }> {
  if (result.ok) return result;
  const { family } = CHAIN_DEFAULTS[chain];
  switch (result.reason) {
    case 'foreign_address':
      throw new UsageError(`${result.address} isn’t the child of --xpub at the index on its line.`);
    case 'gas_account_underfunded':
      throw new UsageError(
        `The gas account ${formatAddress(family, result.gasAccount)} needs ${formatUnits(result.missing, COIN_DECIMALS[family])} more ${COIN_SYMBOLS[chain]}.`,
      );
    case 'invalid_key':
      throw new UsageError('--xpub isn’t the public key of an account.');
    case 'nothing_to_sweep':
      throw new UsageError('No address holds enough to be worth its fee.');
    case 'unreachable':
      throw new UsageError('The network is unreachable. Nothing was planned.');
    case 'wrong_chain':
      throw new UsageError(`--rpc isn’t a node of ${chain}.`);
  }
}

function loadAddresses(
  options: Options,
  xpub: string,
): readonly { index: number; address: HexAddress }[] {
  const key = parseWatchKey(xpub);
  if (!key.ok) throw new UsageError('--xpub isn’t the public key of an account.');
  return readAddresses(textOption(options, 'addresses'), key.key.fingerprint);
}

async function plan(context: CommandContext, options: Options): Promise<number> {
  const name = chainOption(options);
  const network = createNetwork(context, options);
  const chain = { ...CHAIN_DEFAULTS[name], providers: [network.provider], startBlock: null };
  const xpub = textOption(options, 'xpub');
  const result = await makePlan(network, {
    chain,
    xpub,
    addresses: loadAddresses(options, xpub),
    destination: addressOption(options, 'to', name),
    minimumUnits: amountOption(options, 'minimum', chain.decimals),
    coinNanoUsd: amountOption(options, 'coin-price', 9),
    marginPercent: BigInt(integerOption(options, 'margin', 50, 900)),
    validMs: integerOption(options, 'hours', 12, 24) * HOUR_MS,
    now: context.now(),
  });
  const made = unwrapPlan(result, name);
  writeNew(textOption(options, 'out'), made.plan);
  describePlan(context.print, made.plan, made.skipped);
  return 0;
}

async function sign(context: CommandContext, options: Options): Promise<number> {
  const plan = parsePlan(readJson(textOption(options, 'plan')));
  if (plan === null) throw new UsageError('The file of --plan isn’t a Farebox plan.');
  const { family } = CHAIN_DEFAULTS[plan.chain];
  describePlan(context.print, plan, []);
  const allowed = readText(textOption(options, 'allow'))
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '');
  const result = signPlan(plan, {
    keys: await openKeys(context, options),
    allowed,
    confirmed: textOption(options, 'confirm'),
    maxFee: amountOption(options, 'max-fee', COIN_DECIMALS[family]),
    now: context.now(),
  });
  if (!result.ok) {
    const where = result.step === null ? 'The plan' : `Step ${result.step}`;
    context.print(`${where} is rejected: ${result.reason}. Nothing was signed.`);
    return 1;
  }
  writeNew(textOption(options, 'out'), result.signed);
  context.print(`${result.signed.steps.length} steps are signed.`);
  return 0;
}

function signedOption(options: Options): SignedPlan {
  const signed = parseSignedPlan(readJson(textOption(options, 'signed')));
  if (signed === null) throw new UsageError('The file of --signed isn’t a signed Farebox plan.');
  return signed;
}

function send(context: CommandContext, options: Options): Promise<number> {
  return sendSigned(context, options, signedOption(options));
}

async function report(context: CommandContext, options: Options): Promise<number> {
  const made = await makeReport(createNetwork(context, options), signedOption(options));
  if (made === null) throw new UsageError('The network is unreachable. Nothing was written.');
  writeNew(textOption(options, 'out'), made);
  context.print(`${made.swept.length} sweeps are final, ${made.unfinished.length} are not.`);
  for (const { txHash, reason } of made.unfinished) context.print(`${txHash} ${reason}`);
  return made.unfinished.length === 0 ? 0 : 1;
}

export const COMMANDS: Readonly<Record<string, Command>> = {
  'keys new': keysNew,
  'keys import': keysImport,
  'keys show': keysShow,
  plan,
  sign,
  broadcast: send,
  report,
  'refunds plan': refundsPlan,
  'refunds sign': refundsSign,
  'refunds broadcast': refundsBroadcast,
  'refunds report': refundsReport,
};
