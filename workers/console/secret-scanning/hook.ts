/**
 * GitHub found texts in public that look like our keys, and posts them here. A key that is ours is
 * revoked at once; the ledger tells its owner. Of what was posted nothing is kept or logged: not the
 * text, not where it was found. The same message again does the same again, which is nothing.
 */
import { signal } from '@farebox/signals';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { Hono } from 'hono';
import { houseOf, signingKeysOf } from '../env.ts';
import type { Anybody } from '../visitor.ts';

const LARGEST_BODY = 256 * 1024;
const MOST_TOKENS = 1_000;
/** As many RPCs at a time; the objects are the customers'. */
const AT_ONCE = 10;
const LONGEST_TYPE = 200;

type Found = Readonly<{ token: string; type: string }>;
type Label = 'true_positive' | 'false_positive';

/** The body, or undefined as soon as it is too large, whatever its length was said to be. */
async function bodyOf(request: Request): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (request.body === null) return new Uint8Array();
  const whole = new Uint8Array(LARGEST_BODY);
  let length = 0;
  for await (const chunk of request.body) {
    const part = new Uint8Array(chunk);
    if (length + part.length > LARGEST_BODY) return undefined;
    whole.set(part, length);
    length += part.length;
  }
  return whole.slice(0, length);
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(body));
  } catch {
    return undefined;
  }
}

function isFound(value: unknown): value is Found {
  if (typeof value !== 'object' || value === null) return false;
  if (!('token' in value) || !('type' in value)) return false;
  const { token, type } = value;
  return typeof token === 'string' && typeof type === 'string' && type.length <= LONGEST_TYPE;
}

function foundIn(body: Uint8Array): readonly Found[] | undefined {
  const list = parsed(body);
  if (!Array.isArray(list) || list.length > MOST_TOKENS) return undefined;
  return list.every(isFound) ? list : undefined;
}

/** In the order they came; a text that was found twice is asked about once. */
async function labels(
  texts: readonly string[],
  revoke: (text: string) => Promise<Label>,
): Promise<ReadonlyMap<string, Label>> {
  const known = new Map<string, Label>();
  const rest = new Set(texts).values();
  const worker = async (): Promise<void> => {
    for (const text of rest) known.set(text, await revoke(text));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return known;
}

export const secretScanning = new Hono<Anybody>();

secretScanning.post('/hooks/secret-scanning', async (c) => {
  const refuse = (reason: Parameters<typeof refused>[0], status: 400 | 403 | 413 | 503) => {
    refused(reason);
    return c.text('Refused.', status);
  };
  const { accounts, identity } = houseOf(c.env);
  const body = await bodyOf(c.req.raw);
  if (body === undefined) return refuse('too_large', 413);
  const verdict = await signingKeysOf(c.env).verify(c.req.raw.headers, body, identity.now());
  if (!verdict.ok) return refuse(verdict.reason, verdict.reason === 'keys_unreachable' ? 503 : 403);
  const found = foundIn(body);
  if (found === undefined) return refuse('malformed', 400);
  const answers = await labels(
    found.map(({ token }) => token),
    async (text) => ((await accounts.revokeLeaked(text)).ok ? 'true_positive' : 'false_positive'),
  );
  // GitHub takes the text itself or its hash: the hash is all it needs to know which one is meant.
  return c.json(
    found.map(({ token, type }) => ({
      token_hash: bytesToHex(sha256(utf8ToBytes(token))),
      token_type: type,
      label: answers.get(token) ?? 'false_positive',
    })),
  );
});

function refused(
  reason: 'too_large' | 'malformed' | 'unsigned' | 'unknown_key' | 'forged' | 'keys_unreachable',
): void {
  signal({ event: 'secret_scanning_refused', reason });
}
