/**
 * A chain in memory with the faults of real chains and nodes. It reorganizes above its final block,
 * and its nodes lag, omit, repeat, clamp, contradict themselves and reject requests, driven by a
 * seeded random generator.
 */
import type { RpcProvider } from './contract.ts';
import type { RpcRequest, RpcResponse, RpcTransport } from './json-rpc.ts';
import { TRANSFER_TOPIC } from './transfers.ts';

export type Prng = Readonly<{
  nextInt: (bound: number) => number;
  chance: (probability: number) => boolean;
}>;

/** mulberry32: small and deterministic. */
export function createPrng(seed: number): Prng {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    nextInt: (bound) => Math.floor(next() * bound),
    chance: (probability) => next() < probability,
  };
}

export type Transfer = Readonly<{
  txHash: string;
  token: string;
  from: string;
  to: string;
  units: bigint;
}>;
/** The transfers of one transaction stay together. */
type Transaction = readonly Transfer[];
type FakeBlock = Readonly<{
  number: number;
  hash: string;
  minedAt: number;
  transactions: readonly Transaction[];
}>;

function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

function padAddress(address: string): string {
  return `0x${'0'.repeat(24)}${address.slice(2)}`;
}

export class FakeChain {
  readonly chainId: number;
  readonly finality: number;
  #blocks: FakeBlock[] = [];
  #hashes = 0;

  constructor(chainId: number, finality: number) {
    this.chainId = chainId;
    this.finality = finality;
  }

  get head(): number {
    return this.#blocks.length - 1;
  }

  get final(): number {
    return Math.max(0, this.head - this.finality);
  }

  get blocks(): readonly FakeBlock[] {
    return this.#blocks;
  }

  hash(): string {
    this.#hashes += 1;
    return `0x${this.chainId.toString(16).padStart(8, '0')}${this.#hashes.toString(16).padStart(56, '0')}`;
  }

  mine(transactions: readonly Transaction[], minedAt: number): void {
    const number = this.#blocks.length;
    this.#blocks.push({ number, hash: this.hash(), minedAt, transactions });
  }

  /**
   * Replaces the newest `depth` blocks, with their transactions in other blocks and another order.
   */
  reorganise(depth: number, prng: Prng): void {
    const removed = this.#blocks.splice(this.#blocks.length - depth, depth);
    const unplaced = removed.flatMap(({ transactions }) => transactions);
    for (const [index, { minedAt }] of removed.entries()) {
      const placed: Transaction[] = [];
      const last = index === removed.length - 1;
      while (unplaced.length > 0 && (last || prng.chance(0.5))) {
        placed.push(...unplaced.splice(prng.nextInt(unplaced.length), 1));
      }
      this.mine(placed, minedAt);
    }
  }

  /** The sum received up to block `head`. Holders never send. */
  tokenBalance(token: string, holder: string, head: number): bigint {
    return this.#blocks
      .slice(0, head + 1)
      .flatMap(({ transactions }) => transactions.flat())
      .filter((transfer) => transfer.token === token && transfer.to === holder)
      .reduce((sum, { units }) => sum + units, 0n);
  }

  buildLogs({ number, hash, transactions }: FakeBlock): readonly Record<string, unknown>[] {
    return transactions.flat().map((transfer, index) => ({
      address: transfer.token,
      topics: [TRANSFER_TOPIC, padAddress(transfer.from), padAddress(transfer.to)],
      data: `0x${transfer.units.toString(16).padStart(64, '0')}`,
      blockNumber: hex(number),
      blockHash: hash,
      transactionHash: transfer.txHash,
      logIndex: hex(index),
      removed: false,
    }));
  }
}

const FAULTS = [
  'lag',
  'empty',
  'drop',
  'repeat',
  'narrow',
  'limit',
  'throttled',
  'unreachable',
  'swapped_hash',
  'wrong_chain',
  'foreign_log',
  'garbage',
] as const;
type Fault = (typeof FAULTS)[number];

function getParam(request: RpcRequest, name: string): unknown {
  const [first] = request.params;
  return typeof first === 'object' && first !== null ? Reflect.get(first, name) : undefined;
}

/** One node's view during one batch. Its head may lag behind the chain's. */
class FakeNode {
  readonly #fakeChain: FakeChain;
  readonly #prng: Prng;
  readonly #fault: Fault | null;
  readonly #head: number;

  constructor(fakeChain: FakeChain, prng: Prng, fault: Fault | null) {
    this.#fakeChain = fakeChain;
    this.#prng = prng;
    this.#fault = fault;
    this.#head = fault === 'lag' ? Math.max(0, fakeChain.head - prng.nextInt(60)) : fakeChain.head;
  }

  answer(request: RpcRequest, last: boolean): RpcResponse {
    if (this.#fault === 'garbage') return { ok: true, result: { nonsense: true } };
    switch (request.method) {
      case 'eth_chainId':
        return {
          ok: true,
          result: hex(this.#fault === 'wrong_chain' ? 1 : this.#fakeChain.chainId),
        };
      case 'eth_getBlockByNumber':
        return { ok: true, result: this.#block(request.params[0], last) };
      case 'eth_getLogs':
        return this.#logs(request);
      case 'eth_call':
        return this.#balance(request);
      case 'eth_getTransactionReceipt':
        return { ok: true, result: this.#receipt(String(request.params[0])) };
      default:
        return { ok: false, code: -32601 };
    }
  }

  #block(blockTag: unknown, last: boolean): unknown {
    const final = Math.max(0, this.#head - this.#fakeChain.finality);
    const number =
      blockTag === 'latest' ? this.#head : blockTag === 'finalized' ? final : Number(blockTag);
    const block = number > this.#head ? undefined : this.#fakeChain.blocks[number];
    if (block === undefined) return null;
    const swapped = this.#fault === 'swapped_hash' && last;
    const hash = swapped ? `0x${'e'.repeat(64)}` : block.hash;
    return { number: hex(number), hash, timestamp: hex(Math.floor(block.minedAt / 1000)) };
  }

  #receipt(transactionHash: string): unknown {
    const matches = (log: Record<string, unknown>) => log.transactionHash === transactionHash;
    const block = this.#fakeChain.blocks
      .slice(0, this.#head + 1)
      .find((one) => this.#fakeChain.buildLogs(one).some(matches));
    if (block === undefined) return null;
    const logs = this.#fakeChain.buildLogs(block).filter(matches);
    return { transactionHash, blockNumber: hex(block.number), status: '0x1', logs };
  }

  /** Supports `balanceOf` only. Other calls fail as a contract would fail them. */
  #balance(request: RpcRequest): RpcResponse {
    const data = String(getParam(request, 'data'));
    if (!data.startsWith('0x70a08231') || this.#fault === 'limit') return { ok: false, code: 3 };
    const holder = `0x${data.slice(-40)}`;
    const units = this.#fakeChain.tokenBalance(String(getParam(request, 'to')), holder, this.#head);
    return { ok: true, result: `0x${units.toString(16).padStart(64, '0')}` };
  }

  /** Clamps a range beyond the head without an error, like java-tron. */
  #logs(request: RpcRequest): RpcResponse {
    const from = Number(getParam(request, 'fromBlock'));
    const to = Math.min(this.#head, Number(getParam(request, 'toBlock')));
    if (this.#fault === 'narrow' && to - from > 3) return { ok: false, code: -32602 };
    if (this.#fault === 'limit') return { ok: false, code: -32005 };
    if (this.#fault === 'empty') return { ok: true, result: [] };
    const topics = getParam(request, 'topics');
    const recipientTopics = Array.isArray(topics) ? topics[2] : undefined;
    const matchingLogs = this.#fakeChain.blocks
      .slice(from, to + 1)
      .flatMap((block) => this.#fakeChain.buildLogs(block))
      .filter((log) => log.address === getParam(request, 'address'))
      .filter(
        (log) =>
          !Array.isArray(recipientTopics) ||
          recipientTopics.includes(Reflect.get(Object(log.topics), 2)),
      );
    return { ok: true, result: this.#tamper(matchingLogs) };
  }

  #tamper(logs: readonly Record<string, unknown>[]): readonly unknown[] {
    const at = this.#prng.nextInt(Math.max(1, logs.length));
    const [one] = logs.slice(at);
    if (one === undefined) return logs;
    if (this.#fault === 'drop') return logs.filter((log) => log !== one);
    if (this.#fault === 'repeat') return [...logs, one];
    if (this.#fault === 'foreign_log') return [...logs, { ...one, address: `0x${'9'.repeat(40)}` }];
    return logs;
  }
}

export type FaultProfile = { faultRate: number };

/** Serves the provider URLs `<chain id>/<node>`. Each batch gets at most one random fault. */
export function fakeRpc(
  fakeChains: readonly FakeChain[],
  prng: Prng,
  faultProfile: FaultProfile,
): RpcTransport {
  return async function answerRequests({ url }: RpcProvider, requests) {
    const fakeChain = fakeChains.find(({ chainId }) => url.startsWith(`${chainId}/`));
    if (fakeChain === undefined) return 'unreachable';
    const fault = prng.chance(faultProfile.faultRate)
      ? (FAULTS[prng.nextInt(FAULTS.length)] ?? null)
      : null;
    if (fault === 'throttled' || fault === 'unreachable') return fault;
    const node = new FakeNode(fakeChain, prng, fault);
    return requests.map((request, index) =>
      node.answer(request, index > 0 && index === requests.length - 1),
    );
  };
}
