/**
 * The verbs that an account object answers over RPC: the function that carries each one out, its
 * result before the account is open, and the background work it leaves behind. An entrypoint of the
 * ledger Worker exposes a verb only if it lists it (workers/ledger/entrypoint.ts).
 */
import { accountStatus, close } from './account-closure.ts';
import type { AccountLedger } from './account-ledger.ts';
import { audit } from './audit.ts';
import type { BackgroundTasks } from './background-tasks.ts';
import type { CallResult, CallVerb } from './batch-message.ts';
import type * as C from './contract/index.ts';
import { adjust, credit, freeze } from './credits-and-adjustments.ts';
import { bindAddress, listAddresses } from './deposit-addresses.ts';
import { listEntries, prune } from './entries.ts';
import { checkpoint, hold } from './holds.ts';
import {
  listKeyStatuses,
  resumeKey,
  revokeLeaked,
  rollKey,
  setLowBalance,
  updateKey,
} from './key-updates.ts';
import { getBalance, getGeneration, getKeyStatus, putKey, revokeKey } from './keys.ts';
import { payRefund, readRefundable, releaseRefund, reserveRefund } from './refunds.ts';
import { refuse } from './refusals.ts';
import { countRefused, listRefused } from './refused-calls.ts';
import { settle } from './settlements.ts';
import type { Tx } from './transaction.ts';

/** What a verb works on: one account's ledger and its background tasks. */
export type Account = Readonly<{ ledger: AccountLedger; tasks: BackgroundTasks }>;

type Verb<Args extends readonly unknown[], Result> = (account: Account, ...args: Args) => Result;

function verb<Args extends readonly unknown[], Result>(
  ifNotOpen: NoInfer<Result>,
  work: (tx: Tx, ...args: Args) => Result,
  after?: (tasks: BackgroundTasks, result: NoInfer<Result>) => void,
): Verb<Args, Result> {
  return ({ ledger, tasks }, ...args) => {
    tasks.ensureAlarm();
    const result = ledger.run(ifNotOpen, work, ...args);
    after?.(tasks, result);
    return result;
  };
}

function scheduleExpiry(tasks: BackgroundTasks, result: C.HoldResult): void {
  if (result.ok) tasks.scheduleAlarm(result.deadline);
  tasks.scheduleNotifications();
}

function flushOutbox(tasks: BackgroundTasks, result: Readonly<{ ok: boolean }>): void {
  if (result.ok) tasks.scheduleOutboxFlush();
}

/** Prunes first, so that the audit reads what is kept from now on. */
function pruneAndAudit(tx: Tx): C.Audit {
  prune(tx);
  return audit(tx);
}

const INVALID_API_KEY = { ok: false, reason: 'invalid_api_key' } as const;
const UNKNOWN = { ok: false, reason: 'unknown' } as const;
const NOT_OPEN = { ok: false, reason: 'not_open' } as const;
/** An account that was never opened has nothing to wipe. */
const NOTHING_TO_WIPE: C.CloseResult = { wiped: true, posted: 0n, openCalls: 0 };
const EMPTY_AUDIT: C.Audit = {
  posted: 0n,
  held: 0n,
  lastSeq: 0,
  acknowledgedSeq: 0,
  recentlyRevoked: [],
  violations: [],
};

export const VERBS = {
  hold: verb(INVALID_API_KEY, hold, scheduleExpiry),
  checkpoint: verb(UNKNOWN, checkpoint),
  settle: verb(UNKNOWN, settle, flushOutbox),
  generation: verb(INVALID_API_KEY, getGeneration),
  credits: verb(INVALID_API_KEY, getBalance),
  key: verb(INVALID_API_KEY, getKeyStatus),
  refuse: verb(INVALID_API_KEY, refuse),
  countRefused: verb(undefined, countRefused),
  refusedCalls: verb([], listRefused),
  credit: verb(NOT_OPEN, credit, flushOutbox),
  adjust: verb(NOT_OPEN, adjust, flushOutbox),
  bindAddress: verb(NOT_OPEN, bindAddress),
  addresses: verb([], listAddresses),
  refundable: verb(0n, readRefundable),
  reserveRefund: verb(NOT_OPEN, reserveRefund),
  releaseRefund: verb(NOT_OPEN, releaseRefund),
  payRefund: verb(NOT_OPEN, payRefund, flushOutbox),
  freeze: verb(undefined, freeze),
  close: verb(NOTHING_TO_WIPE, close, (tasks, { wiped }) => flushOutbox(tasks, { ok: !wiped })),
  status: verb<[], C.AccountStatus | null>(null, accountStatus),
  keys: verb([], listKeyStatuses),
  putKey: verb(NOT_OPEN, putKey),
  updateKey: verb(UNKNOWN, updateKey),
  rollKey: verb(UNKNOWN, rollKey),
  resumeKey: verb(UNKNOWN, resumeKey),
  revokeKey: verb(UNKNOWN, revokeKey),
  revokeLeaked: verb(null, revokeLeaked, (tasks) => tasks.scheduleNotifications()),
  setLowBalance: verb(undefined, setLowBalance),
  listEntries: verb([], listEntries),
  audit: verb(EMPTY_AUDIT, pruneAndAudit),
};

/** Runs one verb of a call in a transaction that others may share. */
function runCallVerb(tx: Tx, verb: CallVerb): CallResult {
  switch (verb.name) {
    case 'hold':
      return { name: verb.name, result: hold(tx, verb.request) };
    case 'checkpoint':
      return { name: verb.name, result: checkpoint(tx, verb.request) };
    case 'settle':
      return { name: verb.name, result: settle(tx, verb.request) };
  }
}

/** The result of a verb before the account is open. */
function notOpenResult({ name }: CallVerb): CallResult {
  return name === 'hold' ? { name, result: INVALID_API_KEY } : { name, result: UNKNOWN };
}

/** Returns null where the verb throws: its request then gets the error by asking alone. */
function runAlone(ledger: AccountLedger, verb: CallVerb): CallResult | null {
  try {
    return ledger.run(notOpenResult(verb), runCallVerb, verb);
  } catch {
    return null;
  }
}

function runTogether(
  ledger: AccountLedger,
  verbs: readonly CallVerb[],
): readonly (CallResult | null)[] {
  try {
    return ledger.run(verbs.map(notOpenResult), (tx) => verbs.map((verb) => runCallVerb(tx, verb)));
  } catch {
    return verbs.map((verb) => runAlone(ledger, verb));
  }
}

/**
 * Runs the verbs in one transaction, in order: a settlement frees its money for the hold behind it.
 * Where one of them throws, nothing of that transaction remains and each runs in one of its own.
 */
export function runBatch(
  { ledger, tasks }: Account,
  verbs: readonly CallVerb[],
): readonly (CallResult | null)[] {
  tasks.ensureAlarm();
  const results = runTogether(ledger, verbs);
  for (const item of results) {
    if (item?.name === 'hold') scheduleExpiry(tasks, item.result);
    else if (item?.name === 'settle') flushOutbox(tasks, item.result);
  }
  return results;
}

/** The verbs as methods: without the account that each works on. */
export type VerbMethods = {
  [V in keyof typeof VERBS]: (typeof VERBS)[V] extends Verb<infer Args, infer Result>
    ? (...args: Args) => Result
    : never;
};
