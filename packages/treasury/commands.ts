/** The treasury's commands, each from what was typed to what is printed and written. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CHAIN_DEFAULTS,
  type ChainName,
  formatAddress,
  type HexAddress,
  httpTransport,
  parseWatchKey,
} from '@farebox/deposits';
import { broadcast, type StepState } from './broadcast.ts';
import {
  addressOption,
  amountOption,
  chainOption,
  integerOption,
  type Options,
  providerOption,
  readAddresses,
  readJson,
  readText,
  textOption,
  UsageError,
} from './command-line.ts';
import { type Family, GAS_PATH, type Plan, type SignedPlan, type Skipped } from './contract.ts';
import { COIN_DECIMALS } from './costs.ts';
import {
  createKeyring,
  isValidPassphrase,
  type Keyring,
  newMnemonic,
  open,
  parseMnemonic,
  seal,
} from './keyring.ts';
import type { Network } from './network.ts';
import { makePlan, type PlanResult } from './plan.ts';
import type { Prompt } from './prompt.ts';
import { makeReport } from './report.ts';
import { isPlan, signPlan } from './sign.ts';

export type CommandContext = Readonly<{
  prompt: Prompt;
  print: (line: string) => void;
  fetcher: typeof fetch;
  now: () => number;
}>;
type Command = (context: CommandContext, options: Options) => Promise<number>;

const FAMILIES: readonly Family[] = ['evm', 'tron'];
const COIN_SYMBOLS: Readonly<Record<ChainName, string>> = {
  tron: 'TRX',
  bsc: 'BNB',
  polygon: 'POL',
};
const HOUR_MS = 3_600_000;
const POLL_INTERVAL_MS = 3_000;

/** Never over what is there: a key file or a signed plan that is gone can't be had again. */
function writeNew(path: string, value: unknown): void {
  try {
    writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  } catch {
    throw new UsageError(`${path} can’t be written, or is there already.`);
  }
}

function formatUnits(units: bigint, decimals: number): string {
  const digits = units.toString().padStart(decimals + 1, '0');
  const fraction = digits.slice(-decimals).replace(/0+$/, '');
  return digits.slice(0, -decimals) + (fraction === '' ? '' : `.${fraction}`);
}

function describeKeys({ print }: CommandContext, keys: Keyring): void {
  for (const family of FAMILIES) {
    const account = keys.account(family);
    const first = formatAddress(family, account.addressAt({ chain: 0, index: 0 }));
    const gas = formatAddress(family, account.addressAt(GAS_PATH));
    print(`XPUB_${family.toUpperCase()}  ${account.xpub}`);
    print(`  fingerprint    ${account.fingerprint}`);
    print(`  first address  ${first}`);
    print(`  gas account    ${gas}`);
  }
}

async function newPassphrase({ prompt }: CommandContext): Promise<string> {
  const passphrase = await prompt.secret('A passphrase for the key file, 12 characters or more');
  if (!isValidPassphrase(passphrase)) throw new UsageError('That is shorter than 12 characters.');
  if ((await prompt.secret('The same again')) !== passphrase) {
    throw new UsageError('Those are not the same.');
  }
  return passphrase;
}

async function saveKeys(
  context: CommandContext,
  options: Options,
  mnemonic: string,
): Promise<number> {
  const path = textOption(options, 'out');
  writeNew(path, seal(mnemonic, await newPassphrase(context), randomBytes));
  describeKeys(context, createKeyring(mnemonic));
  context.print(`${path} is written. Whoever has it and the passphrase has all deposits.`);
  return 0;
}

async function keysNew(context: CommandContext, options: Options): Promise<number> {
  const mnemonic = newMnemonic();
  const done = await saveKeys(context, options, mnemonic);
  context.print('Write these words down, on paper, now. They are not shown again:');
  context.print(mnemonic);
  return done;
}

async function keysImport(context: CommandContext, options: Options): Promise<number> {
  const mnemonic = parseMnemonic(await context.prompt.secret('The words'));
  if (mnemonic === null) throw new UsageError('Those are not the words of a BIP-39 mnemonic.');
  return saveKeys(context, options, mnemonic);
}

async function openKeys({ prompt }: CommandContext, options: Options): Promise<Keyring> {
  const file = readJson(textOption(options, 'keys'));
  const opened = open(file, await prompt.secret('The key file’s passphrase'));
  if (opened.ok) return createKeyring(opened.mnemonic);
  throw new UsageError(
    opened.reason === 'wrong_passphrase'
      ? 'The passphrase is not this file’s.'
      : 'That is not a key file of ours.',
  );
}

async function keysShow(context: CommandContext, options: Options): Promise<number> {
  describeKeys(context, await openKeys(context, options));
  return 0;
}

function createNetwork({ fetcher }: CommandContext, options: Options): Network {
  const provider = providerOption(options);
  const { header } = provider;
  const base = provider.url.replace(/\/jsonrpc\/?$/, '');
  const headers = {
    'content-type': 'application/json',
    ...(header === undefined ? {} : { [header.name]: header.value }),
  };
  return {
    provider,
    rpcTransport: httpTransport(fetcher),
    post: async (path, body) => {
      try {
        const sent = { method: 'POST', headers, body: JSON.stringify(body) };
        const answer: unknown = await (await fetcher(base + path, sent)).json();
        return answer;
      } catch {
        return null;
      }
    },
  };
}

function unwrapPlan(result: PlanResult, chain: ChainName): Extract<PlanResult, { ok: true }> {
  if (result.ok) return result;
  const { family } = CHAIN_DEFAULTS[chain];
  switch (result.reason) {
    case 'foreign_address':
      throw new UsageError(`${result.address} is not the child of the key that its line says.`);
    case 'gas_account_short':
      throw new UsageError(
        `The gas account ${formatAddress(family, result.gasAccount)} lacks ${formatUnits(result.missing, COIN_DECIMALS[family])} ${COIN_SYMBOLS[chain]}.`,
      );
    case 'bad_key':
      throw new UsageError('--xpub is not the public key of an account.');
    case 'nothing_to_sweep':
      throw new UsageError('There is nothing that is worth its fee.');
    case 'unreachable':
      throw new UsageError('The network could not be asked; nothing was planned.');
    case 'wrong_chain':
      throw new UsageError(`--rpc is not a node of ${chain}.`);
  }
}

function describePlan({ print }: CommandContext, plan: Plan, skipped: readonly Skipped[]): void {
  const { family, decimals } = CHAIN_DEFAULTS[plan.chain];
  const sweeps = plan.steps.filter(({ kind }) => kind === 'sweep');
  const total = sweeps.reduce((sum, { units }) => sum + BigInt(units), 0n);
  const coins = formatUnits(BigInt(plan.maxFee), COIN_DECIMALS[family]);
  print(`plan         ${plan.id}`);
  print(`network      ${plan.chain}`);
  print(`destination  ${plan.destination}`);
  print(`sweeps       ${sweeps.length} addresses, ${formatUnits(total, decimals)} USDT`);
  print(`funds        ${plan.steps.length - sweeps.length} addresses`);
  print(`costs        at most ${coins} ${COIN_SYMBOLS[plan.chain]}`);
  print(`good until   ${new Date(plan.expiresAt).toISOString()}`);
  for (const { address, units, reason } of skipped.filter((one) => one.reason !== 'empty')) {
    print(
      `left alone   ${formatAddress(family, address)}: ${formatUnits(BigInt(units), decimals)} USDT, ${reason}`,
    );
  }
}

function loadAddresses(
  options: Options,
  xpub: string,
): readonly { index: number; address: HexAddress }[] {
  const key = parseWatchKey(xpub);
  if (!key.ok) throw new UsageError('--xpub is not the public key of an account.');
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
  describePlan(context, made.plan, made.skipped);
  return 0;
}

async function sign(context: CommandContext, options: Options): Promise<number> {
  const plan = readJson(textOption(options, 'plan'));
  if (!isPlan(plan)) throw new UsageError('That is not a plan of ours.');
  const { family } = CHAIN_DEFAULTS[plan.chain];
  describePlan(context, plan, []);
  const allowed = readText(textOption(options, 'allow'))
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '');
  const result = signPlan(plan, {
    keys: await openKeys(context, options),
    allowed,
    confirmed: textOption(options, 'confirm'),
    maxFee: amountOption(options, 'fee-most', COIN_DECIMALS[family]),
    now: context.now(),
  });
  if (!result.ok) {
    const where = result.step === null ? 'The plan' : `Step ${result.step}`;
    context.print(`${where} is refused: ${result.reason}. Nothing was signed.`);
    return 1;
  }
  writeNew(textOption(options, 'out'), result.signed);
  context.print(`${result.signed.steps.length} steps are signed.`);
  return 0;
}

function isSigned(value: unknown): value is SignedPlan {
  return (
    isPlan(value) &&
    value.steps.every((step) =>
      ['signed', 'txHash'].every((name) => /^0x[0-9a-f]+$/.test(String(Reflect.get(step, name)))),
    )
  );
}

function signedOption(options: Options): SignedPlan {
  const value = readJson(textOption(options, 'signed'));
  if (!isSigned(value)) throw new UsageError('That is not a signed plan of ours.');
  return value;
}

const SUCCESS_STATES: ReadonlySet<StepState> = new Set(['mined']);

async function send(context: CommandContext, options: Options): Promise<number> {
  const signed = signedOption(options);
  const { family } = CHAIN_DEFAULTS[signed.chain];
  const deadline = context.now() + integerOption(options, 'minutes', 10, 600) * 60_000;
  const outcomes = await broadcast(createNetwork(context, options), signed, {
    now: context.now,
    wait: async () => {
      await sleep(POLL_INTERVAL_MS);
      return context.now() < deadline;
    },
    onOutcome: ({ step, state }) =>
      context.print(
        `${step.kind.padEnd(5)} ${formatAddress(family, step.from)} ${step.txHash} ${state}`,
      ),
  });
  const all = outcomes.every(({ state }) => SUCCESS_STATES.has(state));
  context.print(all ? 'All of it is on the network.' : 'Not all of it is. Run the same again.');
  return all ? 0 : 1;
}

async function report(context: CommandContext, options: Options): Promise<number> {
  const made = await makeReport(createNetwork(context, options), signedOption(options));
  if (made === null) throw new UsageError('The network could not be asked; nothing was written.');
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
};
