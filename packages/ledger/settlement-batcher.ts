/**
 * Batches the settlements of one account that are due within a few milliseconds. The response has
 * been sent by then, so no client waits; one RPC for many settlements lets the object of a busy
 * account keep up (docs/decisions/0006-settlement-batching.md). Each settlement still ends exactly
 * one hold by its own id, and one that fails does not affect the others.
 */
import type { Success } from '@farebox/result';
import type { AccountId, SettleRequest, SettleResult } from './contract/index.ts';

/** How long the first settlement of a batch waits for others, in milliseconds. */
const BATCH_WINDOW_MS = 5;
const MAX_BATCH_SIZE = 100;
/**
 * After this, a settlement that joined a batch is sent alone: the batch's request may have been
 * ended.
 */
const JOIN_TIMEOUT_MS = 5_000;

type PendingSettlement = Readonly<{
  request: SettleRequest;
  resolveWith: (result: SettleResult | null) => void;
}>;

/**
 * Sends settlements in one RPC; resolves with one result for each request, in order, or a failure.
 */
export type SendBatch<Failure extends FailedSend> = (
  account: AccountId,
  requests: readonly SettleRequest[],
) => Promise<Success<{ value: readonly SettleResult[] }> | Failure>;
type FailedSend = Readonly<{ ok: false }>;

export class SettlementBatcher<Failure extends FailedSend> {
  readonly #sendBatch: SendBatch<Failure>;
  readonly #sleep: (ms: number) => Promise<void>;
  readonly #batches = new Map<AccountId, PendingSettlement[]>();

  constructor(sendBatch: SendBatch<Failure>, sleep: (ms: number) => Promise<void>) {
    this.#sendBatch = sendBatch;
    this.#sleep = sleep;
  }

  settle(account: AccountId, request: SettleRequest): Promise<SettleResult | Failure> {
    const batch = this.#batches.get(account);
    const full = batch === undefined || batch.length >= MAX_BATCH_SIZE;
    return full ? this.#startBatch(account, request) : this.#joinBatch(batch, account, request);
  }

  async #startBatch(account: AccountId, request: SettleRequest): Promise<SettleResult | Failure> {
    const batch: PendingSettlement[] = [];
    this.#batches.set(account, batch);
    await this.#sleep(BATCH_WINDOW_MS);
    if (this.#batches.get(account) === batch) this.#batches.delete(account);
    const requests = [request, ...batch.map((pending) => pending.request)];
    const batchResult = await this.#sendBatch(account, requests);
    if (!batchResult.ok) {
      for (const pending of batch) pending.resolveWith(null);
      return batch.length === 0 ? batchResult : this.#sendSingle(account, request);
    }
    for (const [index, pending] of batch.entries())
      pending.resolveWith(batchResult.value[index + 1] ?? null);
    return batchResult.value[0] ?? this.#sendSingle(account, request);
  }

  async #joinBatch(
    batch: PendingSettlement[],
    account: AccountId,
    request: SettleRequest,
  ): Promise<SettleResult | Failure> {
    const batchResult = await new Promise<SettleResult | null>((resolve) => {
      const timer = setTimeout(() => resolve(null), JOIN_TIMEOUT_MS);
      const resolveWith = (result: SettleResult | null) => {
        clearTimeout(timer);
        resolve(result);
      };
      batch.push({ request, resolveWith });
    });
    return batchResult ?? this.#sendSingle(account, request);
  }

  /**
   * Repeating a settlement that did arrive returns the same result, so sending it alone is always
   * safe.
   */
  async #sendSingle(account: AccountId, request: SettleRequest): Promise<SettleResult | Failure> {
    const batchResult = await this.#sendBatch(account, [request]);
    if (!batchResult.ok) return batchResult;
    return batchResult.value[0] ?? { ok: false, reason: 'unknown' };
  }
}
