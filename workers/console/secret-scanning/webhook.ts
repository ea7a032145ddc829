/**
 * GitHub found texts in public that look like our keys, and posts them here. A key that is ours is
 * revoked at once; the ledger tells its owner. Of what was posted nothing is kept or logged: not the
 * text, not where it was found. The same message again does the same again, which is nothing.
 */
import { logEvent } from '@farebox/telemetry';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { Hono } from 'hono';
import * as v from 'valibot';
import { getDeps } from '../deps.ts';
import type { PublicEnv } from '../session.ts';
import { getSigningKeys } from './deps.ts';

const MAX_BODY_BYTES = 256 * 1024;
const MAX_TOKENS = 1_000;
/** As many RPCs at a time; the objects are the customers'. */
const MAX_CONCURRENT_REVOCATIONS = 10;
const MAX_TYPE_LENGTH = 200;

const LEAK_REPORTS = v.pipe(
  v.string(),
  v.parseJson(),
  v.array(
    v.object({
      token: v.string(),
      type: v.pipe(v.string(), v.maxLength(MAX_TYPE_LENGTH)),
    }),
  ),
  v.maxLength(MAX_TOKENS),
);
type LeakReport = v.InferOutput<typeof LEAK_REPORTS>[number];
type Label = 'true_positive' | 'false_positive';

/** The body, or undefined as soon as it is too large, whatever its length was said to be. */
async function readBody(request: Request): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (request.body === null) return new Uint8Array();
  const buffer = new Uint8Array(MAX_BODY_BYTES);
  let length = 0;
  for await (const chunk of request.body) {
    const bytes = new Uint8Array(chunk);
    if (length + bytes.length > MAX_BODY_BYTES) return undefined;
    buffer.set(bytes, length);
    length += bytes.length;
  }
  return buffer.slice(0, length);
}

function decodeUtf8(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(body);
  } catch {
    return undefined;
  }
}

function parseReports(body: Uint8Array): readonly LeakReport[] | undefined {
  const parsed = v.safeParse(LEAK_REPORTS, decodeUtf8(body));
  return parsed.success ? parsed.output : undefined;
}

/** In the order they came; a text that was found twice is asked about once. */
async function labelTokens(
  tokens: readonly string[],
  revoke: (text: string) => Promise<Label>,
): Promise<ReadonlyMap<string, Label>> {
  const results = new Map<string, Label>();
  const pending = new Set(tokens).values();
  const worker = async (): Promise<void> => {
    for (const text of pending) results.set(text, await revoke(text));
  };
  await Promise.all(Array.from({ length: MAX_CONCURRENT_REVOCATIONS }, worker));
  return results;
}

export const secretScanningWebhook = new Hono<PublicEnv>();

secretScanningWebhook.post('/hooks/secret-scanning', async (c) => {
  const reject = (reason: Parameters<typeof logRejection>[0], status: 400 | 403 | 413 | 503) => {
    logRejection(reason);
    return c.text('Refused.', status);
  };
  const { accounts, identity } = getDeps(c.env);
  const body = await readBody(c.req.raw);
  if (body === undefined) return reject('too_large', 413);
  const verification = await getSigningKeys(c.env).verify(c.req.raw.headers, body, identity.now());
  if (!verification.ok)
    return reject(verification.reason, verification.reason === 'keys_unreachable' ? 503 : 403);
  const reports = parseReports(body);
  if (reports === undefined) return reject('malformed', 400);
  const labelByToken = await labelTokens(
    reports.map(({ token }) => token),
    async (text) => ((await accounts.revokeLeaked(text)).ok ? 'true_positive' : 'false_positive'),
  );
  // GitHub takes the text itself or its hash: the hash is all it needs to know which one is meant.
  return c.json(
    reports.map(({ token, type }) => ({
      token_hash: bytesToHex(sha256(utf8ToBytes(token))),
      token_type: type,
      label: labelByToken.get(token) ?? 'false_positive',
    })),
  );
});

function logRejection(
  reason: 'too_large' | 'malformed' | 'unsigned' | 'unknown_key' | 'forged' | 'keys_unreachable',
): void {
  logEvent({ event: 'secret_scanning_refused', reason });
}
