/** Headers of a response to a call that the provider answered. */

import type { UpstreamResult } from '@farebox/providers';
import { baseHeaders } from './base-headers.ts';
import type { Call } from './call.ts';
import { getDefaultValues } from './upstream-request.ts';

export type UpstreamSuccess = Extract<UpstreamResult, { ok: true }>;

/** The media types of an answer, by what the client asked for. */
const MEDIA_TYPES = {
  stream: { name: 'text/event-stream', full: 'text/event-stream; charset=utf-8' },
  document: { name: 'application/json', full: 'application/json' },
};

/**
 * Returns the provider's content type, or the one that it should have: SDKs decide by it how they
 * read a body.
 */
function getContentType(call: Call, { contentType }: UpstreamSuccess): string {
  const { stream, streamFormat } = call.plan.facts;
  const { name, full } = MEDIA_TYPES[stream && streamFormat === 'events' ? 'stream' : 'document'];
  return contentType?.toLowerCase().startsWith(name) === true ? contentType : full;
}

/** Builds the headers from nothing: of the provider's own, only the content type is kept. */
export function buildResponseHeaders(
  call: Call,
  upstream: UpstreamSuccess,
): Record<string, string> {
  const headers = baseHeaders(call.ctx.id);
  headers['content-type'] = getContentType(call, upstream);
  if (call.plan.output.kind === 'capped') {
    headers['x-farebox-max-output-tokens'] = String(call.hold.maxOutput);
  }
  for (const [field, value] of Object.entries(getDefaultValues(call.plan)))
    headers[`x-farebox-${field.replaceAll('_', '-')}`] = value;
  return headers;
}
