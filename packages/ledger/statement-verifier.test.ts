import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Entry, StatementKeys } from './contract/index.ts';
import { chainEntries, NO_HASH, toStatementLine } from './statement-line.ts';
import { StatementVerifier } from './statement-verifier.ts';

const ACCOUNT = '0123456789abcdef';
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const { x = '' } = publicKey.export({ format: 'jwk' });
const OKP = { kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig' } as const;
const KEYS: StatementKeys = { keys: [{ ...OKP, kid: '1', x }] };
const other = generateKeyPairSync('ed25519').privateKey;

function toPart(text: string): string {
  return Buffer.from(text).toString('base64url');
}

function signLine(payload: string, kid = '1', key = privateKey): string {
  const header = toPart(JSON.stringify({ alg: 'EdDSA', kid, typ: 'farebox-statement' }));
  const signed = `${header}.${toPart(payload)}`;
  return `${signed}.${sign(null, Buffer.from(signed), key).toString('base64url')}`;
}

function readPayload(line: string | undefined): Record<string, unknown> {
  return JSON.parse(Buffer.from(line?.split('.')[1] ?? '', 'base64url').toString());
}

const AMOUNTS = [1_000n, -30n, -5n, 7n, -1n];

function buildPayloads(account = ACCOUNT): readonly string[] {
  let balance = 0n;
  let previous = NO_HASH;
  return AMOUNTS.map((delta, index) => {
    balance += delta;
    const at = Date.UTC(2026, 10, 27) + index;
    const base = { seq: index + 1, id: `local:${index}`, at, call: null } as const;
    const entry: Entry = { ...base, kind: 'adjustment', delta, postedAfter: balance };
    const line = toStatementLine(account, entry, previous);
    previous = createHash('sha256').update(line).digest('hex');
    return line;
  });
}

function buildEnd(payloads: readonly string[]): string {
  const parsed = payloads.map((payload) => JSON.parse(payload));
  const last = payloads.at(-1);
  return JSON.stringify({
    account: ACCOUNT,
    kind: 'end',
    first: parsed[0]?.seq ?? null,
    last: parsed.at(-1)?.seq ?? null,
    entries: String(payloads.length),
    previous: last === undefined ? NO_HASH : createHash('sha256').update(last).digest('hex'),
    amount: String(parsed.reduce((sum, { amount }) => sum + BigInt(amount), 0n)),
    balance: parsed.at(-1)?.balance ?? '0',
    not_chained: '2',
    made_at: '2026-11-27T00:00:00.000Z',
  });
}

function buildStatement(from = 0): string[] {
  const payloads = buildPayloads().slice(from);
  return [...payloads, buildEnd(payloads)].map((payload) => signLine(payload));
}

const verify = (lines: readonly string[]) =>
  new StatementVerifier(KEYS).verify(lines.map((line) => `${line}\n`).join(''));

/** A line whose payload is changed and that keeps its signature. */
function alter(line: string | undefined, change: Record<string, unknown>): string {
  const [header, , signature] = line?.split('.') ?? [];
  return `${header}.${toPart(JSON.stringify({ ...readPayload(line), ...change }))}.${signature}`;
}

/** The same, signed again, as only the holder of the key can. */
function resign(line: string | undefined, change: Record<string, unknown>): string {
  return signLine(JSON.stringify({ ...readPayload(line), ...change }));
}

type Tampering = (lines: readonly string[]) => readonly string[];
const without =
  (index: number): Tampering =>
  (lines) =>
    lines.filter((_, at) => at !== index);
const replaced =
  (index: number, change: (line: string | undefined) => string): Tampering =>
  (lines) =>
    lines.map((line, at) => (at === index ? change(line) : line));

const TAMPERINGS: readonly (readonly [string, Tampering, number, string])[] = [
  ['a changed amount', replaced(1, (line) => alter(line, { amount: '-3' })), 2, 'bad_signature'],
  ['a changed end', replaced(5, (line) => alter(line, { entries: '4' })), 6, 'bad_signature'],
  ['a dropped line', without(2), 3, 'gap'],
  ['a dropped first line', without(0), 5, 'wrong_end'],
  ['a dropped last entry', without(4), 5, 'wrong_end'],
  ['lines in another order', ([a = '', b = '', c = '', ...rest]) => [a, c, b, ...rest], 2, 'gap'],
  ['a line twice', ([a = '', ...rest]) => [a, a, ...rest], 2, 'gap'],
  ['a truncated end', without(5), 6, 'missing_end'],
  ['a last line that was cut off', replaced(5, (line = '') => line.slice(0, 90)), 6, 'malformed'],
  ['no line', () => [], 1, 'missing_end'],
  ['an empty line inside', replaced(3, () => ''), 4, 'malformed'],
  ['text that is no signature', replaced(3, () => 'a.b.c'), 4, 'malformed'],
  ['a line after the end', (lines) => [...lines, lines[0] ?? ''], 7, 'line_after_end'],
  [
    'an unknown key',
    replaced(2, (line) => signLine(JSON.stringify(readPayload(line)), '2')),
    3,
    'unknown_key',
  ],
  [
    'a foreign key under a known name',
    replaced(2, (line) => signLine(JSON.stringify(readPayload(line)), '1', other)),
    3,
    'bad_signature',
  ],
  [
    'a line of another account',
    replaced(2, () => signLine(buildPayloads('f'.repeat(16))[2] ?? '')),
    3,
    'other_account',
  ],
  [
    'an entry that was signed anew',
    replaced(1, (line) => resign(line, { id: 'local:x' })),
    3,
    'broken_chain',
  ],
  ['a wrong balance', replaced(1, (line) => resign(line, { amount: '-3' })), 2, 'wrong_balance'],
  [
    'a wrong first hash',
    replaced(0, (line) => resign(line, { previous: '1'.repeat(64) })),
    1,
    'broken_chain',
  ],
];

describe('StatementVerifier', () => {
  it('finds a statement valid, with its sum, and says how much is not chained', async () => {
    expect(await verify(buildStatement())).toEqual({
      account: ACCOUNT,
      entries: 5,
      sum: 971n,
      balance: 971n,
      notChained: 2,
      problem: null,
    });
  });

  it('finds a statement valid that begins in the middle, or has no entry', async () => {
    expect(await verify(buildStatement(2))).toMatchObject({ entries: 3, sum: 1n, problem: null });
    expect(await verify([signLine(buildEnd([]))])).toMatchObject({ entries: 0, problem: null });
  });

  it.each(TAMPERINGS)('finds %s at its first bad line', async (_, tamper, line, reason) => {
    expect((await verify(tamper(buildStatement()))).problem).toEqual({ line, reason });
  });

  it('works as the text of a script, without anything around it', async () => {
    const create = new Function(`return (${StatementVerifier.toString()})`);
    const Verifier: typeof StatementVerifier = create();
    const found = await new Verifier(KEYS).verify(`${buildStatement().join('\r\n')}\r\n`);
    expect(found).toMatchObject({ entries: 5, problem: null });
  });
});

describe('chainEntries', () => {
  it('throws at a gap', () => {
    const entry = {
      id: 'a',
      kind: 'credit',
      delta: 1n,
      postedAfter: 1n,
      at: 0,
      call: null,
    } as const;
    const from = { seq: 0, hash: NO_HASH };
    expect(() => chainEntries(ACCOUNT, from, [{ ...entry, seq: 2 }])).toThrow(RangeError);
  });
});
