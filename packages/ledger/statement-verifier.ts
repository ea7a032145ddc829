/**
 * Verifies a statement with nothing but WebCrypto, for the command line and for a browser. The class
 * refers to nothing outside of itself, because a page loads its text as a script.
 */
import type { StatementKeys } from './contract/index.ts';

export type StatementProblem =
  /** No line of a statement, or one that was cut off. */
  | 'malformed'
  | 'unknown_key'
  | 'bad_signature'
  | 'other_account'
  /** A line is missing before this one, or lines changed their order. */
  | 'gap'
  /** The hash of the line before is another one. */
  | 'broken_chain'
  /** The balance is not the one before plus the amount. */
  | 'wrong_balance'
  /** The closing line says something else than the lines before it. */
  | 'wrong_end'
  | 'line_after_end'
  /** The file ends without its closing line. */
  | 'missing_end';

export type StatementVerification = Readonly<{
  account: string | null;
  /** Verified entries, and the sum of their amounts in nano-USD. */
  entries: number;
  sum: bigint;
  balance: bigint;
  /** Entries of the period that the statement does not have, because they were not chained yet. */
  notChained: number;
  /** The number of the first bad line, from 1. */
  problem: Readonly<{ line: number; reason: StatementProblem }> | null;
}>;

type Line = ReadonlyMap<string, unknown>;

export class StatementVerifier {
  readonly #keys: StatementKeys['keys'];
  #account: string | null = null;
  #first: bigint | null = null;
  #seq = 0n;
  #hash = '0'.repeat(64);
  #balance: bigint | null = null;
  #sum = 0n;
  #entries = 0;
  #notChained = 0;
  #isEnded = false;

  constructor({ keys }: StatementKeys) {
    this.#keys = keys;
  }

  /** Reads a whole statement; an instance verifies one. */
  async verify(text: string): Promise<StatementVerification> {
    const problem = await this.#findProblem(text);
    return {
      account: this.#account,
      entries: this.#entries,
      sum: this.#sum,
      balance: this.#balance ?? 0n,
      notChained: this.#notChained,
      problem,
    };
  }

  async #findProblem(text: string): Promise<StatementVerification['problem']> {
    const lines = text.split('\n').map((line) => line.trimEnd());
    if (lines.at(-1) === '') lines.pop();
    for (const [index, line] of lines.entries()) {
      const reason = await this.#checkLine(line).catch((): StatementProblem => 'malformed');
      if (reason !== null) return { line: index + 1, reason };
    }
    return this.#isEnded ? null : { line: lines.length + 1, reason: 'missing_end' };
  }

  #toBytes(part: string): Uint8Array<ArrayBuffer> {
    const binary = atob(part.replaceAll('-', '+').replaceAll('_', '/'));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  }

  #parse(part: string): Line {
    const json: unknown = JSON.parse(new TextDecoder().decode(this.#toBytes(part)));
    return new Map(Object.entries(Object(json)));
  }

  async #checkLine(line: string): Promise<StatementProblem | null> {
    const parts = line.split('.');
    const [header = '', payload = '', signature = ''] = parts;
    if (this.#isEnded) return 'line_after_end';
    if (parts.length !== 3) return 'malformed';
    const problem = await this.#checkSignature(header, payload, signature);
    if (problem !== null) return problem;
    const fields = this.#parse(payload);
    const account = String(fields.get('account'));
    this.#account ??= account;
    if (account !== this.#account) return 'other_account';
    if (fields.get('kind') === 'end') return this.#checkEnd(fields);
    const wrong = this.#checkEntry(fields);
    if (wrong === null) this.#hash = await this.#digest(payload);
    return wrong;
  }

  async #checkSignature(
    header: string,
    payload: string,
    signature: string,
  ): Promise<StatementProblem | null> {
    const fields = this.#parse(header);
    const isStatement = fields.get('typ') === 'farebox-statement';
    if (fields.get('alg') !== 'EdDSA' || !isStatement) return 'malformed';
    const found = this.#keys.find(({ kid }) => kid === fields.get('kid'));
    if (found === undefined) return 'unknown_key';
    const jwk = { kty: found.kty, crv: found.crv, x: found.x };
    const key = await crypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['verify']);
    const signed = new TextEncoder().encode(`${header}.${payload}`);
    const bytes = this.#toBytes(signature);
    const isValid = await crypto.subtle.verify('Ed25519', key, bytes, signed);
    return isValid ? null : 'bad_signature';
  }

  async #digest(payload: string): Promise<string> {
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', this.#toBytes(payload)));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  }

  #checkEntry(line: Line): StatementProblem | null {
    const seq = BigInt(String(line.get('seq')));
    const amount = BigInt(String(line.get('amount')));
    const balance = BigInt(String(line.get('balance')));
    const follows = this.#entries > 0;
    if (follows && seq !== this.#seq + 1n) return 'gap';
    if ((follows || seq === 1n) && line.get('previous') !== this.#hash) return 'broken_chain';
    const before = seq === 1n ? 0n : (this.#balance ?? balance - amount);
    if (balance !== before + amount) return 'wrong_balance';
    this.#first ??= seq;
    this.#seq = seq;
    this.#balance = balance;
    this.#sum += amount;
    this.#entries += 1;
    return null;
  }

  #checkEnd(line: Line): StatementProblem | null {
    const names = ['first', 'last', 'entries', 'previous', 'amount', 'balance'];
    const said = names.map((name) => String(line.get(name)));
    const last = this.#first === null ? null : this.#seq;
    const totals = [this.#entries, this.#hash, this.#sum, this.#balance ?? 0n];
    const found = [this.#first, last, ...totals].map(String);
    this.#isEnded = true;
    this.#notChained = Number(line.get('not_chained'));
    return said.join() === found.join() ? null : 'wrong_end';
  }
}
