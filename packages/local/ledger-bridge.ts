/**
 * Calls the ledger's four entrypoints and sends to the queues from Node, through a Worker that
 * exists only in the local stack. It can credit accounts, so its code is a string that is in no bundle, and it requires a
 * random token of this process.
 */
import type { AccountId, AccountsRpc, CallsRpc, CreditsRpc, OperatorsRpc } from '@farebox/ledger';

export type LedgerBridge = Readonly<{
  calls: CallsRpc;
  accounts: AccountsRpc;
  credits: CreditsRpc;
  operators: OperatorsRpc;
}>;

export const BRIDGE_WORKER = 'farebox-local-bridge';
export const BRIDGE_BINDINGS = {
  calls: 'Calls',
  accounts: 'Accounts',
  credits: 'Credits',
  operators: 'Operators',
} as const;

export const QUEUES = [
  'farebox-settlements',
  'farebox-mail',
  'farebox-notices',
  'farebox-webhooks',
] as const;
export type QueueName = (typeof QUEUES)[number];

/**
 * JSON with `bigint` as `{"$n": "..."}` and without undefined. Must match `encode` and `decode`
 * below.
 */
const CODEC = `
export const encode = (value) =>
  JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? { $n: item.toString() } : item));
export const decode = (text) =>
  JSON.parse(text, (_, item) =>
    typeof item === 'object' && item !== null && typeof item.$n === 'string' ? BigInt(item.$n) : item,
  );
`;

export const BRIDGE_SCRIPT = `${CODEC}
export default {
  async fetch(request, env) {
    if (request.headers.get('x-token') !== env.token) return new Response(null, { status: 404 });
    const { entrypoint, method, args } = decode(await request.text());
    try {
      return new Response(encode({ value: await env[entrypoint][method](...args) }));
    } catch (error) {
      return new Response(encode({ thrown: String(error?.message ?? error) }), { status: 500 });
    }
  },
};
`;

export function encode(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'bigint' ? { $n: item.toString() } : item,
  );
}

export function decode(text: string): unknown {
  return JSON.parse(text, (_, item: unknown) => {
    if (typeof item !== 'object' || item === null || !('$n' in item)) return item;
    return typeof item.$n === 'string' ? BigInt(item.$n) : item;
  });
}

/** Sends one encoded request to the bridge Worker and returns its encoded response. */
export type Transport = (body: string) => Promise<string>;

async function callEntrypoint<T>(
  transport: Transport,
  entrypoint: keyof LedgerBridge | QueueName,
  method: string,
  args: unknown[],
) {
  const answer = decode(await transport(encode({ entrypoint, method, args })));
  if (typeof answer !== 'object' || answer === null)
    throw new Error('The bridge returned no response.');
  if ('thrown' in answer) throw new Error(`${entrypoint}.${method}: ${String(answer.thrown)}`);
  // The ledger's contract types this value; both ends are from the same checkout.
  const value: T = Reflect.get(answer, 'value');
  return value;
}

/** Puts a message into a queue, as its producer does and also as none would. */
export async function sendToQueue(
  transport: Transport,
  queue: QueueName,
  body: unknown,
): Promise<void> {
  await callEntrypoint(transport, queue, 'send', [body, { contentType: 'v8' }]);
}

export function connectBridge(transport: Transport): LedgerBridge {
  const forEntrypoint =
    (entrypoint: keyof LedgerBridge) =>
    <T>(method: string, ...args: unknown[]): Promise<T> =>
      callEntrypoint<T>(transport, entrypoint, method, args);
  const [calls, accounts, credits, operators] = [
    forEntrypoint('calls'),
    forEntrypoint('accounts'),
    forEntrypoint('credits'),
    forEntrypoint('operators'),
  ];
  return {
    calls: {
      batch: (account, verbs) => calls('batch', account, verbs),
      hold: (account, request) => calls('hold', account, request),
      checkpoint: (account, request) => calls('checkpoint', account, request),
      settle: (account, request) => calls('settle', account, request),
      generation: (account, key, id) => calls('generation', account, key, id),
      credits: (account, key) => calls('credits', account, key),
      key: (account, key) => calls('key', account, key),
      refuse: (account, key) => calls('refuse', account, key),
      countRefused: (account, refused) => calls('countRefused', account, refused),
      statementKeys: () => calls('statementKeys'),
    },
    accounts: {
      open: (account) => accounts('open', account),
      mintKey: (account, request) => accounts('mintKey', account, request),
      revokeKey: (account, keyId) => accounts('revokeKey', account, keyId),
      listEntries: (account, afterSeq, limit) => accounts('listEntries', account, afterSeq, limit),
      status: (account) => accounts('status', account),
      keys: (account) => accounts('keys', account),
      refusedCalls: (account) => accounts('refusedCalls', account),
      updateKey: (account, keyId, change) => accounts('updateKey', account, keyId, change),
      rollKey: (account, request) => accounts('rollKey', account, request),
      resumeKey: (account, keyId) => accounts('resumeKey', account, keyId),
      setLowBalance: (account, threshold) => accounts('setLowBalance', account, threshold),
      revokeLeaked: (text) => accounts('revokeLeaked', text),
      close: (account) => accounts('close', account),
      outlineStatement: (account, period) => accounts('outlineStatement', account, period),
      readStatement: (account, request) => accounts('readStatement', account, request),
      statementKeys: () => accounts('statementKeys'),
      bindAddress: (account, address) => accounts('bindAddress', account, address),
      addresses: (account) => accounts('addresses', account),
      refundable: (account) => accounts('refundable', account),
      reserveRefund: (account, request) => accounts('reserveRefund', account, request),
      releaseRefund: (account, id) => accounts('releaseRefund', account, id),
    },
    credits: {
      credit: (account: AccountId, request) => credits('credit', account, request),
      payRefund: (account, id) => credits('payRefund', account, id),
    },
    operators: {
      adjust: (account, request) => operators('adjust', account, request),
      freeze: (account, frozen) => operators('freeze', account, frozen),
      audit: (account) => operators('audit', account),
      status: (account) => operators('status', account),
      releaseRefund: (account, id) => operators('releaseRefund', account, id),
      revokeKey: (account, keyId) => operators('revokeKey', account, keyId),
    },
  };
}
