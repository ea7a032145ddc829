/** A second factor as a form brings it. A passkey's answer is the browser's own JSON; what it says is identity's to judge. */
import type { Form } from '@farebox/design';
import type { FactorResponse } from '@farebox/identity';

/** Undefined is no answer at all, which is no valid factor. */
export function parseAuthenticatorResponse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The names of the fields are those of the parts in `factor-forms.tsx`. */
export function parseFactor(form: Form): FactorResponse {
  const kind = form.text('kind');
  if (kind === 'passkey')
    return { kind, response: parseAuthenticatorResponse(form.text('response')) };
  if (kind === 'recovery_code') return { kind, code: form.text('recovery_code') };
  return { kind: 'totp', code: form.text('code') };
}
