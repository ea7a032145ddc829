/**
 * The webhook of GitHub's secret scanning, which posts public texts that look like our keys. Real
 * keys are revoked at once and their owners notified. Neither the texts nor the places they were
 * found at are stored or logged. A repeated message has no further effect.
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
/** Concurrent calls to account objects, which also serve their accounts' requests. */
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

/** Returns the body; undefined as soon as it exceeds the limit, whatever Content-Length says. */
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

/** Keeps the order of the reports; a text that occurs twice is looked up once. */
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
  // GitHub accepts the text or its hash; the hash is enough to identify it.
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
