/**
 * The `_headers` file of the static files: the console's security headers. Where a counter is
 * configured, Yandex Metrika's own domain is added, and no other of its hosts (P20 of the privacy
 * policy, docs/decisions/0048-analytics.md).
 */
import { contentSecurityPolicy, SECURITY_HEADERS } from '@farebox/design';

const METRIKA = 'https://mc.yandex.ru';
const METRIKA_SOCKET = 'wss://mc.yandex.ru';

/** Cloudflare applies every rule that matches, and two policies would both hold: one rule only. */
export function renderHeaders(hasAnalytics: boolean): string {
  const policy = contentSecurityPolicy(
    hasAnalytics ? { connect: [METRIKA, METRIKA_SOCKET], script: [METRIKA], image: [METRIKA] } : {},
  );
  const headers = { ...SECURITY_HEADERS, 'content-security-policy': policy };
  const lines = Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`);
  return `/*\n${lines.join('\n')}\n`;
}
