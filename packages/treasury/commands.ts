/** The treasury's commands, each from what was typed to what is printed and written. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  addressText,
  CHAIN_DEFAULTS,
  type ChainName,
  type HexAddress,
  httpAsk,
  readWatchKey,
} from '@farebox/deposits';
import type { Asking } from './asking.ts';
import { broadcast, type StepState } from './broadcast.ts';
import {
  addressOption,
  amountOption,
  chainOption,
  type Options,
  providerOption,
  readAddresses,
  readJson,
  readText,
  textOption,
  Unusable,
  wholeOption,
} from './command-line.ts';
import { type Family, GAS_PATH, type Plan, type SignedPlan, type Skipped } from './contract.ts';
import { COIN_DECIMALS } from './costs.ts';
import {
  isPassphrase,
  type Keyring,
  keyring,
  newMnemonic,
  open,
  readMnemonic,
  seal,
} from './keyring.ts';
import type { Network } from './network.ts';
import { makePlan, type PlanResult } from './plan.ts';
import { makeReport } from './report.ts';
import { isPlan, signPlan } from './sign.ts';

export type Desk = Readonly<{
  asking: Asking;
  say: (line: string) => void;
  fetcher: typeof fetch;
  now: () => number;
}>;
type Command = (desk: Desk, options: Options) => Promise<number>;

const FAMILIES: readonly Family[] = ['evm', 'tron'];
const COINS: Readonly<Record<ChainName, string>> = { tron: 'TRX', bsc: 'BNB', polygon: 'POL' };
const HOUR_MS = 3_600_000;
const LOOK_EVERY_MS = 3_000;

/** Never over what is there: a key file or a signed plan that is gone can't be had again. */
function writeNew(path: string, value: unknown): void {
  try {
    writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  } catch {
    throw new Unusable(`${path} can’t be written, or is there already.`);
  }
}

function decimal(units: bigint, decimals: number): string {
  const digits = units.toString().padStart(decimals + 1, '0');
  const fraction = digits.slice(-decimals).replace(/0+$/, '');
  return digits.slice(0, -decimals) + (fraction === '' ? '' : `.${fraction}`);
}

function describeKeys({ say }: Desk, keys: Keyring): void {
  for (const family of FAMILIES) {
    const account = keys.account(family);
    const first = addressText(family, account.addressAt({ chain: 0, index: 0 }));
    const gas = addressText(family, account.addressAt(GAS_PATH));
    say(`XPUB_${family.toUpperCase()}  ${account.xpub}`);
    say(`  fingerprint    ${account.fingerprint}`);
    say(`  first address  ${first}`);
    say(`  gas account    ${gas}`);
  }
}

async function newPassphrase({ asking }: Desk): Promise<string> {
  const passphrase = await asking.secret('A passphrase for the key file, 12 characters or more');
  if (!isPassphrase(passphrase)) throw new Unusable('That is shorter than 12 characters.');
  if ((await asking.secret('The same again')) !== passphrase) {
    throw new Unusable('Those are not the same.');
  }
  return passphrase;
}

async function keepKeys(desk: Desk, options: Options, mnemonic: string): Promise<number> {
  const path = textOption(options, 'out');
  writeNew(path, seal(mnemonic, await newPassphrase(desk), randomBytes));
  describeKeys(desk, keyring(mnemonic));
  desk.say(`${path} is written. Whoever has it and the passphrase has all deposits.`);
  return 0;
}

async function keysNew(desk: Desk, options: Options): Promise<number> {
  const mnemonic = newMnemonic();
  const done = await keepKeys(desk, options, mnemonic);
  desk.say('Write these words down, on paper, now. They are not shown again:');
  desk.say(mnemonic);
  return done;
}

async function keysImport(desk: Desk, options: Options): Promise<number> {
  const mnemonic = readMnemonic(await desk.asking.secret('The words'));
  if (mnemonic === null) throw new Unusable('Those are not the words of a BIP-39 mnemonic.');
  return keepKeys(desk, options, mnemonic);
}

async function openKeys({ asking }: Desk, options: Options): Promise<Keyring> {
  const file = readJson(textOption(options, 'keys'));
  const opened = open(file, await asking.secret('The key file’s passphrase'));
  if (opened.ok) return keyring(opened.mnemonic);
  throw new Unusable(
    opened.reason === 'wrong_passphrase'
      ? 'The passphrase is not this file’s.'
      : 'That is not a key file of ours.',
  );
}

async function keysShow(desk: Desk, options: Options): Promise<number> {
  describeKeys(desk, await openKeys(desk, options));
  return 0;
}

function networkOf({ fetcher }: Desk, options: Options): Network {
  const provider = providerOption(options);
  const { header } = provider;
  const base = provider.url.replace(/\/jsonrpc\/?$/, '');
  const headers = {
    'content-type': 'application/json',
    ...(header === undefined ? {} : { [header.name]: header.value }),
  };
  return {
    provider,
    ask: httpAsk(fetcher),
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

function planned(result: PlanResult, chain: ChainName): Extract<PlanResult, { ok: true }> {
  if (result.ok) return result;
  const { family } = CHAIN_DEFAULTS[chain];
  switch (result.reason) {
    case 'foreign_address':
      throw new Unusable(`${result.address} is not the child of the key that its line says.`);
    case 'gas_account_short':
      throw new Unusable(
        `The gas account ${addressText(family, result.gasAccount)} lacks ${decimal(result.missing, COIN_DECIMALS[family])} ${COINS[chain]}.`,
      );
    case 'bad_key':
      throw new Unusable('--xpub is not the public key of an account.');
    case 'nothing_to_sweep':
      throw new Unusable('There is nothing that is worth its fee.');
    case 'unreachable':
      throw new Unusable('The network could not be asked; nothing was planned.');
    case 'wrong_chain':
      throw new Unusable(`--rpc is not a node of ${chain}.`);
  }
}

function describePlan({ say }: Desk, plan: Plan, skipped: readonly Skipped[]): void {
  const { family, decimals } = CHAIN_DEFAULTS[plan.chain];
  const sweeps = plan.steps.filter(({ kind }) => kind === 'sweep');
  const total = sweeps.reduce((sum, { units }) => sum + BigInt(units), 0n);
  const coins = decimal(BigInt(plan.feeMost), COIN_DECIMALS[family]);
  say(`plan         ${plan.id}`);
  say(`network      ${plan.chain}`);
  say(`destination  ${plan.destination}`);
  say(`sweeps       ${sweeps.length} addresses, ${decimal(total, decimals)} USDT`);
  say(`funds        ${plan.steps.length - sweeps.length} addresses`);
  say(`costs        at most ${coins} ${COINS[plan.chain]}`);
  say(`good until   ${new Date(plan.expiresAt).toISOString()}`);
  for (const { address, units, why } of skipped.filter((one) => one.why !== 'empty')) {
    say(
      `left alone   ${addressText(family, address)}: ${decimal(BigInt(units), decimals)} USDT, ${why}`,
    );
  }
}

function linesOf(
  options: Options,
  xpub: string,
): readonly { index: number; address: HexAddress }[] {
  const key = readWatchKey(xpub);
  if (!key.ok) throw new Unusable('--xpub is not the public key of an account.');
  return readAddresses(textOption(options, 'addresses'), key.key.fingerprint);
}

async function plan(desk: Desk, options: Options): Promise<number> {
  const name = chainOption(options);
  const network = networkOf(desk, options);
  const chain = { ...CHAIN_DEFAULTS[name], providers: [network.provider], startBlock: null };
  const xpub = textOption(options, 'xpub');
  const result = await makePlan(network, {
    chain,
    xpub,
    addresses: linesOf(options, xpub),
    destination: addressOption(options, 'to', name),
    minimumUnits: amountOption(options, 'minimum', chain.decimals),
    coinNanoUsd: amountOption(options, 'coin-price', 9),
    marginPercent: BigInt(wholeOption(options, 'margin', 50, 900)),
    validMs: wholeOption(options, 'hours', 12, 24) * HOUR_MS,
    now: desk.now(),
  });
  const made = planned(result, name);
  writeNew(textOption(options, 'out'), made.plan);
  describePlan(desk, made.plan, made.skipped);
  return 0;
}

async function sign(desk: Desk, options: Options): Promise<number> {
  const given = readJson(textOption(options, 'plan'));
  if (!isPlan(given)) throw new Unusable('That is not a plan of ours.');
  const { family } = CHAIN_DEFAULTS[given.chain];
  describePlan(desk, given, []);
  const allowed = readText(textOption(options, 'allow'))
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '');
  const result = signPlan(given, {
    keys: await openKeys(desk, options),
    allowed,
    confirmed: textOption(options, 'confirm'),
    feeMost: amountOption(options, 'fee-most', COIN_DECIMALS[family]),
    now: desk.now(),
  });
  if (!result.ok) {
    const where = result.step === null ? 'The plan' : `Step ${result.step}`;
    desk.say(`${where} is refused: ${result.reason}. Nothing was signed.`);
    return 1;
  }
  writeNew(textOption(options, 'out'), result.signed);
  desk.say(`${result.signed.steps.length} steps are signed.`);
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
  const given = readJson(textOption(options, 'signed'));
  if (!isSigned(given)) throw new Unusable('That is not a signed plan of ours.');
  return given;
}

const FINE: ReadonlySet<StepState> = new Set(['mined']);

async function send(desk: Desk, options: Options): Promise<number> {
  const signed = signedOption(options);
  const { family } = CHAIN_DEFAULTS[signed.chain];
  const until = desk.now() + wholeOption(options, 'minutes', 10, 600) * 60_000;
  const outcomes = await broadcast(networkOf(desk, options), signed, {
    now: desk.now,
    wait: async () => {
      await sleep(LOOK_EVERY_MS);
      return desk.now() < until;
    },
    say: ({ step, state }) =>
      desk.say(`${step.kind.padEnd(5)} ${addressText(family, step.from)} ${step.txHash} ${state}`),
  });
  const all = outcomes.every(({ state }) => FINE.has(state));
  desk.say(all ? 'All of it is on the network.' : 'Not all of it is. Run the same again.');
  return all ? 0 : 1;
}

async function report(desk: Desk, options: Options): Promise<number> {
  const made = await makeReport(networkOf(desk, options), signedOption(options));
  if (made === null) throw new Unusable('The network could not be asked; nothing was written.');
  writeNew(textOption(options, 'out'), made);
  desk.say(`${made.swept.length} sweeps are final, ${made.unfinished.length} are not.`);
  for (const { txHash, why } of made.unfinished) desk.say(`${txHash} ${why}`);
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
