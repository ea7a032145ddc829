/**
 * TRON's transactions on an anvil: read, checked as a TRON node checks them, paid for in sun, and then done by the
 * anvil in the owner's name. They are read and their signers recovered by TRON's official SDK, which shares no
 * line with what wrote them.
 */
import { createHash } from 'node:crypto';
import { type AnvilRpc, isJsonObject, type JsonObject } from './anvil.ts';

/** Of one transfer of the test token, and the bandwidth of any transaction where none is free. */
const ENERGY_SUN = 6_500_000n;
const BANDWIDTH_SUN = 345_000n;
const ACTIVATION_SUN = 1_100_000n;
const DAY_MS = 24 * 3_600_000;
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

/** `Transaction`: field 1 the raw data, field 2 one signature of 65 bytes, and nothing else. */
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

/** 41 and 20 bytes, as 0x and 20 bytes. */
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
  /** By TRON's id, the anvil's hash, and the other way round. */
  readonly #anvilHashes = new Map<string, string>();
  readonly #tronIds = new Map<string, string>();

  constructor(anvil: AnvilRpc) {
    this.#anvil = anvil;
  }

  /** What the anvil calls a transaction. */
  toAnvilHash(id: unknown): unknown {
    return this.#anvilHashes.get(String(id)) ?? id;
  }

  /** A log or receipt under the name TRON gives its transaction. */
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
    if (remainingMs <= 0 || remainingMs > DAY_MS) {
      return rejection('TRANSACTION_EXPIRATION_ERROR', 'Transaction expired');
    }
    return (await this.#hasKnownRefBlock(raw))
      ? null
      : rejection('TAPOS_ERROR', 'Tapos check error');
  }

  /** The block it refers to is one of the newest 65,536, by two bytes of its number and eight of its hash. */
  async #hasKnownRefBlock(raw: JsonObject): Promise<boolean> {
    const head = Number(await this.#anvil('eth_blockNumber', []));
    const refBlock = Number.parseInt(String(raw.ref_block_bytes), 16);
    const number = head - ((((head - refBlock) % 65_536) + 65_536) % 65_536);
    const block = await this.#anvil('eth_getBlockByNumber', [`0x${number.toString(16)}`, false]);
    if (!isJsonObject(block)) return false;
    return String(block.hash).slice(18, 34) === String(raw.ref_block_hash).toLowerCase();
  }

  /** Takes the fee, or says why the owner can't pay it. */
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

  /** The anvil charges nothing: what it costs was taken already. */
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
