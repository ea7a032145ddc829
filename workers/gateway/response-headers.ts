/** Headers of a response to a call that the provider answered. */
import type { UpstreamResult } from '@farebox/providers';
import type { Call } from './call.ts';
import { idHeaders } from './request-id.ts';

export type UpstreamSuccess = Extract<UpstreamResult, { ok: true }>;

/** Builds the headers from nothing: of the provider's own, only the content type is kept. */
export function buildResponseHeaders(call: Call, { contentType }: UpstreamSuccess): Headers {
  const headers = idHeaders(call.ctx.id);
  if (contentType !== null) headers.set('content-type', contentType);
  if (call.plan.output.kind === 'capped') {
    headers.set('x-farebox-max-output-tokens', String(call.hold.maxOutput));
  }
  return headers;
}
