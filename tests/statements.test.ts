/**
 * Signed statements on the real stack: the file of the console, verified from the text of
 * docs/statements.md with node:crypto, by its recipes for openssl and Python, by the command and by
 * the page.
 */
import { execFile, spawnSync } from 'node:child_process';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LocalAccount, LocalStack } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { waitForBill } from './support/bills.ts';
import { type ConsoleClient, createConsoleClient } from './support/browser.ts';
import { HAS_BROWSER, openBrowser, warnIfNoBrowser } from './support/chromium.ts';
import { INSTALL_MS } from './support/installed-agent.ts';
import { HAS_PYTHON, installPython, warnIfNoPython } from './support/python.ts';
import { chatCompletion, type ScriptedUpstream, sendJson } from './support/scripted-upstream.ts';
import { sharedStack } from './support/shared-stack.ts';

const ROOT = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'farebox-statement-'));
const CALLS = 3;

let upstream: ScriptedUpstream;
let stack: LocalStack;
let account: LocalAccount;
let statement: string;
let jwks: { keys: { kid: string; kty: string; crv: string; x: string }[] };

async function call(apiKey: string): Promise<void> {
  upstream.handler = (_, response) =>
    sendJson(response, chatCompletion('Hello.', { input: 1000, output: 100 }));
  const response = await fetch(`${stack.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}` },
    body: JSON.stringify({ model: 'gpt-5.4', messages: [{ role: 'user', content: 'Hello.' }] }),
  });
  await response.arrayBuffer();
  await waitForBill(stack.gatewayUrl, apiKey, response.headers.get('x-request-id'));
}

let client: ConsoleClient;

async function download(query = ''): Promise<string> {
  return (await client.get(`/transactions.jsonl${query}`)).body;
}

beforeAll(async () => {
  ({ stack, upstream } = await sharedStack('scripted'));
  account = await stack.createAccount({ creditUsd: '5' });
  client = createConsoleClient(stack);
  await client.post('/sign-in', { email: account.email, password: account.password });
  for (let n = 0; n < CALLS; n++) await call(account.apiKey);
  const readWhole = async () => {
    statement = await download();
    expect(statement.trimEnd().split('\n')).toHaveLength(CALLS + 2);
  };
  await vi.waitFor(readWhole, { timeout: 20_000, interval: 500 });
  const response = await fetch(`${stack.gatewayUrl}/.well-known/farebox-keys.json`);
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  jwks = JSON.parse(await response.text());
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function listLines(): readonly string[] {
  return statement.trimEnd().split('\n');
}

describe('a statement', () => {
  it('verifies with node:crypto as docs/statements.md describes it', () => {
    let previous = '0'.repeat(64);
    let balance = 0n;
    for (const [index, line] of listLines().entries()) {
      const [header = '', payload = '', signature = ''] = line.split('.');
      const { kid, ...rest } = JSON.parse(Buffer.from(header, 'base64url').toString());
      expect(rest).toEqual({ alg: 'EdDSA', typ: 'farebox-statement' });
      const { kty = '', crv = '', x = '' } = jwks.keys.find((key) => key.kid === kid) ?? {};
      const key = createPublicKey({ key: { kty, crv, x }, format: 'jwk' });
      const signed = Buffer.from(`${header}.${payload}`);
      expect(verify(null, signed, key, Buffer.from(signature, 'base64url'))).toBe(true);
      const bytes = Buffer.from(payload, 'base64url');
      const entry = JSON.parse(bytes.toString());
      expect(entry).toMatchObject({ account: account.accountId, previous });
      previous = createHash('sha256').update(bytes).digest('hex');
      if (entry.kind === 'end') {
        expect(entry).toMatchObject({ first: '1', last: `${CALLS + 1}`, entries: `${CALLS + 1}` });
        expect([entry.amount, entry.balance]).toEqual([`${balance}`, `${balance}`]);
        continue;
      }
      balance += BigInt(entry.amount);
      expect([entry.seq, entry.balance]).toEqual([`${index + 1}`, `${balance}`]);
      if (index > 0) {
        expect(entry).toMatchObject({
          kind: 'charge',
          call: { model: 'openai/gpt-5.4', tokens: { input_uncached: '1000', output: '100' } },
        });
      }
    }
  });

  it('verifies with the openssl recipe of docs/statements.md, and not once it was changed', () => {
    const docs = readFileSync(join(ROOT, 'docs/statements.md'), 'utf8');
    const recipe = /```sh openssl\n([\s\S]*?)```/.exec(docs)?.[1] ?? '';
    const [first = '', second = ''] = listLines();
    const run = (line: string) => {
      writeFileSync(join(folder, 'line.txt'), `${line}\n`);
      const env = { ...process.env, x: jwks.keys[0]?.x };
      return spawnSync('bash', ['-c', recipe], { cwd: folder, env, encoding: 'utf8' }).stdout;
    };
    const next = JSON.parse(Buffer.from(second.split('.')[1] ?? '', 'base64url').toString());
    expect(run(first)).toContain('Signature Verified Successfully');
    expect(run(first)).toContain(next.previous);
    const [header, , signature] = first.split('.');
    expect(run(`${header}.${second.split('.')[1]}.${signature}`)).not.toContain('Successfully');
  });

  it('is valid for the command, which names the first bad line and fails', () => {
    const run = (text: string) => {
      const file = join(folder, 'statement.jsonl');
      const keys = join(folder, 'keys.json');
      writeFileSync(file, text);
      writeFileSync(keys, JSON.stringify(jwks));
      const args = [join(ROOT, 'scripts/verify.ts'), file, '--keys', keys];
      return spawnSync(process.execPath, args, { encoding: 'utf8' });
    };
    const valid = run(statement);
    expect([valid.status, valid.stdout]).toEqual([
      0,
      expect.stringMatching(/4 entries.*\n.*\nvalid\n$/),
    ]);
    const lines = listLines();
    const dropped = run([...lines.slice(0, 1), ...lines.slice(2)].join('\n'));
    expect([dropped.status, dropped.stdout]).toEqual([1, expect.stringContaining('line 2: gap')]);
    expect(run(lines.slice(0, -1).join('\n')).stdout).toContain('line 5: missing_end');
  });

  it('of a month has its entries, and of one without any an end alone', async () => {
    const lines = (await download('?month=2020-01')).trimEnd().split('\n');
    expect(lines).toHaveLength(1);
    const last = listLines().at(-2) ?? '';
    const { at } = JSON.parse(Buffer.from(last.split('.')[1] ?? '', 'base64url').toString());
    expect(await download(`?month=${at.slice(0, 7)}`)).toContain(last);
  });

  it('passes the audit of its account, and needs a session', async () => {
    const { violations } = await stack.ledger.operators.audit(account.accountId);
    expect(violations).toEqual([]);
    const { status } = await createConsoleClient(stack).get('/transactions.jsonl');
    expect(status).toBe(303);
  });
});

warnIfNoPython();
describe.skipIf(!HAS_PYTHON)('the Python recipe of docs/statements.md', () => {
  let python: string | null;
  beforeAll(async () => {
    python = await installPython();
  }, INSTALL_MS);

  /** What the recipe prints and how it exits; it reads the keys as a deployment serves them. */
  async function verifyInPython(interpreter: string, text: string) {
    const docs = readFileSync(join(ROOT, 'docs/statements.md'), 'utf8');
    const recipe = /```python\n([\s\S]*?)```/.exec(docs)?.[1] ?? '';
    const file = join(folder, 'for-python.jsonl');
    writeFileSync(file, text);
    const keys = `${stack.gatewayUrl}/.well-known/farebox-keys.json`;
    // Without blocking this process, which may serve a part of the stack.
    return promisify(execFile)(interpreter, ['-c', recipe, file, keys], { encoding: 'utf8' }).then(
      ({ stdout }) => ({ code: 0, text: stdout.trim() }),
      (error: unknown) => ({
        code: Reflect.get(Object(error), 'code'),
        text: String(Reflect.get(Object(error), 'stderr')),
      }),
    );
  }

  it('finds a statement valid, and names why an altered or a cut one is not', async ({ skip }) => {
    if (python === null) return skip('no registry has its packages');
    const lines = listLines();
    const last = JSON.parse(Buffer.from(lines.at(-1)?.split('.')[1] ?? '', 'base64url').toString());
    const valid = { code: 0, text: `valid: ${CALLS + 1} entries, sum ${last.amount}` };
    expect(await verifyInPython(python, statement)).toEqual(valid);
    const [first = '', second = '', ...others] = lines;
    const [header, , signature] = first.split('.');
    const forged = [`${header}.${second.split('.')[1]}.${signature}`, second, ...others];
    for (const [text, reason] of [
      [forged, 'InvalidSignature'],
      [[first, ...others], 'not chained'],
      [lines.slice(0, -1), 'the end is missing'],
    ] as const) {
      const found = await verifyInPython(python, text.join('\n'));
      expect([found.code, found.text]).toEqual([1, expect.stringContaining(reason)]);
    }
  }, 60_000);
});

warnIfNoBrowser();
describe.skipIf(!HAS_BROWSER)('the page that verifies a statement', () => {
  it('says valid or names the first bad line, without a network', async () => {
    const browser = await openBrowser();
    try {
      const page = await browser.newPage();
      await page.goto(`${stack.consoleUrl}/verify`);
      // Nothing can be sent from here on.
      await page.context().setOffline(true);
      const choose = (text: string) =>
        page.locator('input[type=file]').setInputFiles({
          name: 'farebox-statement.jsonl',
          mimeType: 'application/jsonl',
          buffer: Buffer.from(text),
        });
      await choose(statement);
      const result = page.locator('#result');
      await expect.poll(() => result.textContent()).toContain(`Valid. Entries: ${CALLS + 1}`);
      await choose(listLines().slice(1).join('\n'));
      await expect.poll(() => result.textContent()).toContain('Not valid. Line 4');
    } finally {
      await browser.close();
    }
  });
});
