/**
 * Parses a second factor from a form. Identity verifies it; a passkey's response is the browser's
 * JSON.
 */
import type { Form } from '@farebox/design';
import type { FactorResponse } from '@farebox/identity';

/** Undefined for malformed JSON, which identity rejects as an invalid factor. */
export function parseAuthenticatorResponse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The names of the fields match factor-forms.tsx. */
export function parseFactor(form: Form): FactorResponse {
  const kind = form.text('kind');
  if (kind === 'passkey')
    return { kind, response: parseAuthenticatorResponse(form.text('response')) };
  if (kind === 'recovery_code') return { kind, code: form.text('recovery_code') };
  return { kind: 'totp', code: form.text('code') };
}
