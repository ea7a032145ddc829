/**
 * Accepts TRON transactions on an anvil: parses and validates them as a TRON node does, charges
 * their fees in sun, and sends them on anvil in the owner's name. TRON's official SDK parses them
 * and recovers their signers, so this is independent of the code that serializes them.
 */
import { createHash } from 'node:crypto';
import { type AnvilRpc, isJsonObject, type JsonObject } from './anvil-rpc.ts';

/** Fees of a test token transfer, of a transaction's bandwidth, and of activating an account. */
const ENERGY_SUN = 6_500_000n;
const BANDWIDTH_SUN = 345_000n;
const ACTIVATION_SUN = 1_100_000n;
/** java-tron rejects transactions that expire later than this (MAXIMUM_TIME_UNTIL_EXPIRATION). */
const MAX_UNTIL_EXPIRATION_MS = 24 * 3_600_000;
const GAS = '0x30d40';

type SignedTransaction = Readonly<{
  id: string;
  signer: string;
  raw: JsonObject;
  type: 'TransferContract' | 'TriggerSmartContract';
}>;

function rejection(code: string, message: string): JsonObject {
  return { result: false, code, message: Buffer.from(message).toString('hex') };
}

/**
 * Splits a `Transaction`: field 1 is the raw data, field 2 one 65-byte signature, and nothing else.
 */
function splitTransaction(bytes: Buffer): Readonly<{ raw: Buffer; signature: Buffer }> | null {
  let [length, shift, at] = [0, 0, 1];
  for (; at < bytes.length; at += 1, shift += 7) {
    length += ((bytes[at] ?? 0) & 0x7f) << shift;
    if ((bytes[at] ?? 0) < 0x80) break;
  }
  const start = at + 1;
  const tail = bytes.subarray(start + length);
  if (bytes[0] !== 0x0a || tail.length !== 67 || tail[0] !== 0x12 || tail[1] !== 65) return null;
  return { raw: bytes.subarray(start, start + length), signature: tail.subarray(2) };
}

async function parseTransaction(hex: unknown): Promise<SignedTransaction | null> {
  if (typeof hex !== 'string' || !/^(?:[0-9a-f]{2})+$/i.test(hex)) return null;
  const parts = splitTransaction(Buffer.from(hex, 'hex'));
  if (parts === null) return null;
  const { utils } = await import('tronweb');
  const type = parts.raw.includes('protocol.TriggerSmartContract')
    ? 'TriggerSmartContract'
    : 'TransferContract';
  try {
    const raw: unknown = utils.deserializeTx.deserializeTransaction(
      type,
      parts.raw.toString('hex'),
    );
    const id = createHash('sha256').update(parts.raw).digest('hex');
    const signer = utils.crypto.ecRecover(id, parts.signature.toString('hex'));
    return isJsonObject(raw) ? { id, signer: toEvmAddress(String(signer)), raw, type } : null;
  } catch {
    return null;
  }
}

/** Converts 41 and 20 bytes to 0x and 20 bytes. */
function toEvmAddress(tron: string): string {
  return `0x${tron.slice(2).toLowerCase()}`;
}

function getParameter(raw: JsonObject): JsonObject {
  const contract: unknown = Array.isArray(raw.contract) ? raw.contract[0] : null;
  const parameter = isJsonObject(contract) ? contract.parameter : null;
  const value = isJsonObject(parameter) ? parameter.value : null;
  return isJsonObject(value) ? value : {};
}

export class TronMempool {
  readonly #anvil: AnvilRpc;
  /** Anvil's hashes by TRON id, and TRON ids by anvil's hash. */
  readonly #anvilHashes = new Map<string, string>();
  readonly #tronIds = new Map<string, string>();

  constructor(anvil: AnvilRpc) {
    this.#anvil = anvil;
  }

  /** Anvil's hash of a transaction. */
  toAnvilHash(id: unknown): unknown {
    return this.#anvilHashes.get(String(id)) ?? id;
  }

  /** Replaces anvil's hash with the TRON id in a log or receipt. */
  withTronId(record: unknown): JsonObject {
    if (!isJsonObject(record)) return {};
    const name = this.#tronIds.get(String(record.transactionHash));
    return name === undefined ? record : { ...record, transactionHash: name };
  }

  async broadcast(body: unknown): Promise<JsonObject> {
    const transaction = await parseTransaction(isJsonObject(body) ? body.transaction : null);
    if (transaction === null) return rejection('OTHER_ERROR', 'not a transaction');
    const { id, raw } = transaction;
    if (this.#anvilHashes.has(`0x${id}`))
      return rejection('DUP_TRANSACTION_ERROR', 'dup transaction');
    const rejected = (await this.#validate(transaction)) ?? (await this.#charge(transaction));
    if (rejected !== null) return rejected;
    const hash = String(await this.#send(transaction, getParameter(raw)));
    this.#anvilHashes.set(`0x${id}`, hash);
    this.#tronIds.set(hash, `0x${id}`);
    return { result: true, txid: id };
  }

  async #validate({ raw, signer }: SignedTransaction): Promise<JsonObject | null> {
    const value = getParameter(raw);
    if (toEvmAddress(String(value.owner_address)) !== signer) {
      return rejection('SIGERROR', 'Validate signature error');
    }
    const remainingMs = Number(raw.expiration) - Date.now();
    if (remainingMs <= 0 || remainingMs > MAX_UNTIL_EXPIRATION_MS) {
      return rejection('TRANSACTION_EXPIRATION_ERROR', 'Transaction expired');
    }
    return (await this.#hasKnownRefBlock(raw))
      ? null
      : rejection('TAPOS_ERROR', 'Tapos check error');
  }

  /**
   * Checks the reference block: one of the newest 65,536, by two bytes of its number and eight of
   * its hash.
   */
  async #hasKnownRefBlock(raw: JsonObject): Promise<boolean> {
    const head = Number(await this.#anvil('eth_blockNumber', []));
    const refBlock = Number.parseInt(String(raw.ref_block_bytes), 16);
    const number = head - ((((head - refBlock) % 65_536) + 65_536) % 65_536);
    const block = await this.#anvil('eth_getBlockByNumber', [`0x${number.toString(16)}`, false]);
    if (!isJsonObject(block)) return false;
    return String(block.hash).slice(18, 34) === String(raw.ref_block_hash).toLowerCase();
  }

  /** Charges the fee, or returns why the owner can't pay it. */
  async #charge({ raw, signer, type }: SignedTransaction): Promise<JsonObject | null> {
    const value = getParameter(raw);
    const balance = BigInt(String(await this.#anvil('eth_getBalance', [signer, 'latest'])));
    if (balance === 0n) return rejection('CONTRACT_VALIDATE_ERROR', 'account does not exist');
    const fee = BANDWIDTH_SUN + (await this.#executionFee(type, value));
    const limit = type === 'TriggerSmartContract' ? BigInt(Number(raw.fee_limit ?? 0)) : fee;
    if (type === 'TriggerSmartContract' && limit < ENERGY_SUN) {
      return rejection('CONTRACT_EXE_ERROR', 'out of energy');
    }
    if (balance < fee + BigInt(Number(value.amount ?? 0))) {
      return rejection('BANDWITH_ERROR', 'account has insufficient balance');
    }
    await this.#anvil('anvil_setBalance', [signer, `0x${(balance - fee).toString(16)}`]);
    return null;
  }

  async #executionFee(type: SignedTransaction['type'], value: JsonObject): Promise<bigint> {
    if (type === 'TriggerSmartContract') return ENERGY_SUN;
    const to = toEvmAddress(String(value.to_address));
    const other = BigInt(String(await this.#anvil('eth_getBalance', [to, 'latest'])));
    return other === 0n ? ACTIVATION_SUN : 0n;
  }

  /** Sends without gas costs on anvil: the fee was charged already. */
  async #send({ signer: from, type }: SignedTransaction, value: JsonObject): Promise<unknown> {
    await this.#anvil('anvil_impersonateAccount', [from]);
    await this.#anvil('anvil_setNextBlockBaseFeePerGas', ['0x0']);
    const free = { from, gas: GAS, gasPrice: '0x0' };
    const call =
      type === 'TriggerSmartContract'
        ? { to: toEvmAddress(String(value.contract_address)), data: `0x${String(value.data)}` }
        : {
            to: toEvmAddress(String(value.to_address)),
            value: `0x${BigInt(Number(value.amount)).toString(16)}`,
          };
    return this.#anvil('eth_sendTransaction', [{ ...free, ...call }]);
  }
}
