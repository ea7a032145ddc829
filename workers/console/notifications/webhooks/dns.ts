/**
 * Looks up the addresses of a name over HTTPS, with the resolver that Workers themselves use
 * (developers.cloudflare.com/1.1.1.1/encryption/dns-over-https/make-api-requests/dns-json).
 */
import type { HttpFetch } from '@farebox/mail';
import * as v from 'valibot';
import type { ResolveHost } from './endpoint.ts';

const RESOLVER_URL = 'https://cloudflare-dns.com/dns-query';
const LOOKUP_TIMEOUT_MS = 5_000;
/** RFC 1035 section 3.2.2, RFC 3596 section 2.1. */
const RECORD_TYPES = { A: 1, AAAA: 28 } as const;

/** RFC 1035 section 4.1.1. Servers that fail (SERVFAIL) are reported with the HTTP status 200 too. */
const ANSWERED = 0;

const ANSWER = v.object({
  Status: v.literal(ANSWERED),
  Answer: v.optional(v.array(v.object({ type: v.number(), data: v.string() })), []),
});

async function lookUp(
  httpFetch: HttpFetch,
  name: string,
  type: keyof typeof RECORD_TYPES,
): Promise<readonly string[]> {
  const query = new URLSearchParams({ name, type });
  const request = new Request(`${RESOLVER_URL}?${query}`, {
    headers: { accept: 'application/dns-json' },
    signal: AbortSignal.timeout(LOOKUP_TIMEOUT_MS),
  });
  const response = await httpFetch(request);
  if (!response.ok) throw new Error('The resolver did not answer.');
  const { Answer } = v.parse(ANSWER, await response.json());
  return Answer.filter((record) => record.type === RECORD_TYPES[type]).map(({ data }) => data);
}

/** Both families must answer: an address that is not seen could be a private one. */
export function createResolver(httpFetch: HttpFetch): ResolveHost {
  return async (name) => {
    try {
      const answers = await Promise.all([
        lookUp(httpFetch, name, 'A'),
        lookUp(httpFetch, name, 'AAAA'),
      ]);
      return answers.flat();
    } catch {
      return [];
    }
  };
}
