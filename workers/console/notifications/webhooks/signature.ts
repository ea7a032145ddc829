/**
 * Signs events as Stripe does (docs.stripe.com/webhooks#verify-manually), so that libraries that
 * verify Stripe's header verify ours: HMAC-SHA256 over `<time>.<body>` with the secret's text as
 * the key. The secret is derived, so the database has nothing that could sign.
 */
import { deriveKey, keyedHash } from '@farebox/crypto';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

export const SIGNATURE_HEADER = 'farebox-signature';

/** For this long after a rotation, events carry signatures of the previous secrets too. */
const ROTATION_GRACE_MS = 24 * 3_600_000;
/**
 * A new secret is shown once. Who loses it replaces it again, while the receiver still has the one
 * before both.
 */
const MAX_PREVIOUS_SECRETS = 2;

export type SigningWebhook = Readonly<{ id: string; version: number; rotatedAt: number | null }>;

/** Returns the signing secret of one version: `whsec_` and 64 hexadecimal digits. */
export function deriveSigningSecret(
  consoleSecret: Uint8Array,
  { id, version }: Pick<SigningWebhook, 'id' | 'version'>,
): string {
  const key = deriveKey(consoleSecret, 'farebox console: webhook secrets');
  return `whsec_${keyedHash(key, [id, String(version)])}`;
}

function listValidSecrets(
  consoleSecret: Uint8Array,
  webhook: SigningWebhook,
  now: number,
): readonly string[] {
  const { version, rotatedAt } = webhook;
  const isInGrace = rotatedAt !== null && now < rotatedAt + ROTATION_GRACE_MS;
  const previous = isInGrace ? Math.min(MAX_PREVIOUS_SECRETS, version - 1) : 0;
  return Array.from({ length: 1 + previous }, (_, age) =>
    deriveSigningSecret(consoleSecret, { ...webhook, version: version - age }),
  );
}

/** Returns the value of the header for this body: `t=<seconds>,v1=<hexadecimal>[,v1=…]`. */
export function signEvent(
  consoleSecret: Uint8Array,
  webhook: SigningWebhook,
  { body, now }: Readonly<{ body: string; now: number }>,
): string {
  const seconds = Math.floor(now / 1000);
  const signed = utf8ToBytes(`${seconds}.${body}`);
  const signatures = listValidSecrets(consoleSecret, webhook, now).map(
    (secret) => `v1=${bytesToHex(hmac(sha256, utf8ToBytes(secret), signed))}`,
  );
  return [`t=${seconds}`, ...signatures].join(',');
}
