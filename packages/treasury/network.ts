/** Reads balances and prices from a network, and sends signed transactions. Uses no key. */
import type {
  Chain,
  HexAddress,
  RpcProvider,
  RpcRequest,
  RpcResponse,
  RpcTransport,
} from '@farebox/deposits';
import type { SignedStep } from './contract.ts';
import { encodeTransfer } from './token-transfer.ts';

export type Network = Readonly<{
  rpcTransport: RpcTransport;
  provider: RpcProvider;
  /** POSTs JSON to a path of TRON's HTTP API, beside its JSON-RPC. Null on any failure. */
  post: (path: string, body: unknown) => Promise<unknown>;
}>;

/** java-tron accepts at most 100 requests in a batch (config.conf, maxBatchSize). */
const MAX_BATCH_SIZE = 99;

/** Returns all results, or null if one is missing or an error. */
async function batchCall(
  { rpcTransport, provider }: Network,
  requests: readonly RpcRequest[],
): Promise<readonly unknown[] | null> {
  const results: unknown[] = [];
  for (let at = 0; at < requests.length; at += MAX_BATCH_SIZE) {
    const answers = await rpcTransport(provider, requests.slice(at, at + MAX_BATCH_SIZE));
    if (typeof answers === 'string') return null;
    if (answers.some((answer: RpcResponse) => !answer.ok)) return null;
    results.push(...answers.map((answer) => (answer.ok ? answer.result : null)));
  }
  return results;
}

function parseQuantity(value: unknown): bigint | null {
  return typeof value === 'string' && /^0x[0-9a-f]{1,64}$/i.test(value) ? BigInt(value) : null;
}

function parseQuantities(values: readonly unknown[]): readonly bigint[] | null {
  const read = values.map(parseQuantity);
  return read.includes(null) ? null : read.flatMap((value) => value ?? []);
}

export type Prices = Readonly<{
  chainId: number;
  /** The price of one unit of gas or energy. */
  gasPrice: bigint;
  /** The newest final block, which TRON's transactions refer to. */
  block: Readonly<{ number: number; hash: string }>;
}>;

export async function readPrices(network: Network): Promise<Prices | null> {
  const answers = await batchCall(network, [
    { method: 'eth_chainId', params: [] },
    { method: 'eth_gasPrice', params: [] },
    { method: 'eth_getBlockByNumber', params: ['finalized', false] },
  ]);
  if (answers === null) return null;
  const block = Object(answers[2]);
  const [chainId, gasPrice, number] = [
    parseQuantity(answers[0]),
    parseQuantity(answers[1]),
    parseQuantity(Reflect.get(block, 'number')),
  ];
  const hash: unknown = Reflect.get(block, 'hash');
  if (chainId === null || gasPrice === null || number === null || typeof hash !== 'string') {
    return null;
  }
  return { chainId: Number(chainId), gasPrice, block: { number: Number(number), hash } };
}

/** Coin balances, in input order. */
export async function readCoinBalances(
  network: Network,
  addresses: readonly HexAddress[],
): Promise<readonly bigint[] | null> {
  const answers = await batchCall(
    network,
    addresses.map((address) => ({ method: 'eth_getBalance', params: [address, 'latest'] })),
  );
  return answers === null ? null : parseQuantities(answers);
}

/** The number of transactions each address has sent. EVM networks only: TRON has no nonces. */
export async function readNonces(
  network: Network,
  addresses: readonly HexAddress[],
): Promise<readonly number[] | null> {
  const answers = await batchCall(
    network,
    addresses.map((address) => ({
      method: 'eth_getTransactionCount',
      params: [address, 'latest'],
    })),
  );
  const read = answers === null ? null : parseQuantities(answers);
  return read === null ? null : read.map(Number);
}

export type Sweepable = Readonly<{ address: HexAddress; units: bigint }>;

/** A transfer of token units that is to be planned. */
export type Transfer = Readonly<{ from: HexAddress; to: HexAddress; units: bigint }>;

/** The gas or energy of each transfer, as the network estimates it. */
export async function readGas(
  network: Network,
  { token }: Pick<Chain, 'token'>,
  transfers: readonly Transfer[],
): Promise<readonly bigint[] | null> {
  const answers = await batchCall(
    network,
    transfers.map(({ from, to, units }) => ({
      method: 'eth_estimateGas',
      params: [{ from, to: token, data: encodeTransfer({ to, units }) }],
    })),
  );
  return answers === null ? null : parseQuantities(answers);
}

/** Sends a signed step. True if the network accepted it, or on TRON already has it. */
export async function sendStep(
  network: Network,
  family: Chain['family'],
  { signed }: SignedStep,
): Promise<boolean> {
  if (family === 'tron') {
    const answer = await network.post('/wallet/broadcasthex', { transaction: signed.slice(2) });
    const code: unknown = Reflect.get(Object(answer), 'code');
    return Reflect.get(Object(answer), 'result') === true || code === 'DUP_TRANSACTION_ERROR';
  }
  const { rpcTransport, provider } = network;
  const answers = await rpcTransport(provider, [
    { method: 'eth_sendRawTransaction', params: [signed] },
  ]);
  return typeof answers !== 'string' && answers[0]?.ok === true;
}
