/**
 * TRON's transactions on an anvil: read, checked as a TRON node checks them, paid for in sun, and then done by the
 * anvil in the owner's name. They are read and their signers recovered by TRON's official SDK, which shares no
 * line with what wrote them.
 */
import { createHash } from 'node:crypto';
import { type AskAnvil, isJson, type Json } from './anvil.ts';

/** Of one transfer of the test token, and the bandwidth of any transaction where none is free. */
const ENERGY_SUN = 6_500_000n;
const BANDWIDTH_SUN = 345_000n;
const ACTIVATION_SUN = 1_100_000n;
const DAY_MS = 24 * 3_600_000;
const GAS = '0x30d40';

type Read = Readonly<{
  id: string;
  signer: string;
  raw: Json;
  type: 'TransferContract' | 'TriggerSmartContract';
}>;

function refused(code: string, message: string): Json {
  return { result: false, code, message: Buffer.from(message).toString('hex') };
}

/** `Transaction`: field 1 the raw data, field 2 one signature of 65 bytes, and nothing else. */
function parted(bytes: Buffer): Readonly<{ raw: Buffer; signature: Buffer }> | null {
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

async function read(hex: unknown): Promise<Read | null> {
  if (typeof hex !== 'string' || !/^(?:[0-9a-f]{2})+$/i.test(hex)) return null;
  const parts = parted(Buffer.from(hex, 'hex'));
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
    return isJson(raw) ? { id, signer: evm(String(signer)), raw, type } : null;
  } catch {
    return null;
  }
}

/** 41 and 20 bytes, as 0x and 20 bytes. */
function evm(tron: string): string {
  return `0x${tron.slice(2).toLowerCase()}`;
}

function parameterOf(raw: Json): Json {
  const contract: unknown = Array.isArray(raw.contract) ? raw.contract[0] : null;
  const parameter = isJson(contract) ? contract.parameter : null;
  const value = isJson(parameter) ? parameter.value : null;
  return isJson(value) ? value : {};
}

export class TronMempool {
  readonly #ask: AskAnvil;
  /** By TRON's id, the anvil's hash, and the other way round. */
  readonly #behind = new Map<string, string>();
  readonly #named = new Map<string, string>();

  constructor(ask: AskAnvil) {
    this.#ask = ask;
  }

  /** What the anvil calls a transaction. */
  behind(id: unknown): unknown {
    return this.#behind.get(String(id)) ?? id;
  }

  /** A log or receipt under the name TRON gives its transaction. */
  renamed(of: unknown): Json {
    if (!isJson(of)) return {};
    const name = this.#named.get(String(of.transactionHash));
    return name === undefined ? of : { ...of, transactionHash: name };
  }

  async broadcast(body: unknown): Promise<Json> {
    const transaction = await read(isJson(body) ? body.transaction : null);
    if (transaction === null) return refused('OTHER_ERROR', 'not a transaction');
    const { id, raw } = transaction;
    if (this.#behind.has(`0x${id}`)) return refused('DUP_TRANSACTION_ERROR', 'dup transaction');
    const flaw = (await this.#flawOf(transaction)) ?? (await this.#charge(transaction));
    if (flaw !== null) return flaw;
    const hash = String(await this.#send(transaction, parameterOf(raw)));
    this.#behind.set(`0x${id}`, hash);
    this.#named.set(hash, `0x${id}`);
    return { result: true, txid: id };
  }

  async #flawOf({ raw, signer }: Read): Promise<Json | null> {
    const value = parameterOf(raw);
    if (evm(String(value.owner_address)) !== signer) {
      return refused('SIGERROR', 'Validate signature error');
    }
    const left = Number(raw.expiration) - Date.now();
    if (left <= 0 || left > DAY_MS) {
      return refused('TRANSACTION_EXPIRATION_ERROR', 'Transaction expired');
    }
    return (await this.#refersToUs(raw)) ? null : refused('TAPOS_ERROR', 'Tapos check error');
  }

  /** The block it refers to is one of the newest 65,536, by two bytes of its number and eight of its hash. */
  async #refersToUs(raw: Json): Promise<boolean> {
    const head = Number(await this.#ask('eth_blockNumber', []));
    const wanted = Number.parseInt(String(raw.ref_block_bytes), 16);
    const number = head - ((((head - wanted) % 65_536) + 65_536) % 65_536);
    const block = await this.#ask('eth_getBlockByNumber', [`0x${number.toString(16)}`, false]);
    if (!isJson(block)) return false;
    return String(block.hash).slice(18, 34) === String(raw.ref_block_hash).toLowerCase();
  }

  /** Takes the fee, or says why the owner can't pay it. */
  async #charge({ raw, signer, type }: Read): Promise<Json | null> {
    const value = parameterOf(raw);
    const balance = BigInt(String(await this.#ask('eth_getBalance', [signer, 'latest'])));
    if (balance === 0n) return refused('CONTRACT_VALIDATE_ERROR', 'account does not exist');
    const fee = BANDWIDTH_SUN + (await this.#workFee(type, value));
    const limit = type === 'TriggerSmartContract' ? BigInt(Number(raw.fee_limit ?? 0)) : fee;
    if (type === 'TriggerSmartContract' && limit < ENERGY_SUN) {
      return refused('CONTRACT_EXE_ERROR', 'out of energy');
    }
    if (balance < fee + BigInt(Number(value.amount ?? 0))) {
      return refused('BANDWITH_ERROR', 'account has insufficient balance');
    }
    await this.#ask('anvil_setBalance', [signer, `0x${(balance - fee).toString(16)}`]);
    return null;
  }

  async #workFee(type: Read['type'], value: Json): Promise<bigint> {
    if (type === 'TriggerSmartContract') return ENERGY_SUN;
    const to = evm(String(value.to_address));
    const other = BigInt(String(await this.#ask('eth_getBalance', [to, 'latest'])));
    return other === 0n ? ACTIVATION_SUN : 0n;
  }

  /** The anvil charges nothing: what it costs was taken already. */
  async #send({ signer: from, type }: Read, value: Json): Promise<unknown> {
    await this.#ask('anvil_impersonateAccount', [from]);
    await this.#ask('anvil_setNextBlockBaseFeePerGas', ['0x0']);
    const free = { from, gas: GAS, gasPrice: '0x0' };
    const what =
      type === 'TriggerSmartContract'
        ? { to: evm(String(value.contract_address)), data: `0x${String(value.data)}` }
        : {
            to: evm(String(value.to_address)),
            value: `0x${BigInt(Number(value.amount)).toString(16)}`,
          };
    return this.#ask('eth_sendTransaction', [{ ...free, ...what }]);
  }
}
