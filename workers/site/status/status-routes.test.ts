/** The status page as Markdown, which needs no HTMLRewriter; tests/status.test.ts has all formats. */
import type { StatusReport } from '@farebox/database/status';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Env } from '../env.ts';
import { siteMessagesFor } from '../texts/index.ts';
import { answerStatus } from './status-routes.ts';

const NOW = Date.UTC(2026, 10, 26, 12);
const UNKNOWN = siteMessagesFor('en').status.unknown;
const PAGE = `# Status\n\n${UNKNOWN}\n\n## How it is checked\n`;
const REPORT: StatusReport = {
  days: [
    {
      component: 'api',
      day: 20_783,
      checks: 200,
      failures: 1,
      isUp: true,
      since: NOW - 3_600_000,
      checkedAt: NOW - 60_000,
    },
  ],
  incidents: [
    {
      id: 'a',
      component: 'openai',
      summary: 'Slow answers.\n# No heading, and no $& either.',
      openedAt: NOW - 60_000,
      resolvedAt: null,
    },
  ],
};

/** Answers as static hosting does: 304 to a reader that has the file. */
const ASSETS: Env['ASSETS'] = {
  fetch: async (input) => {
    const request = new Request(input instanceof URL ? input.href : input);
    const headers = { etag: '"file"', 'content-type': 'text/markdown; charset=utf-8' };
    if (request.headers.has('if-none-match')) return new Response(null, { status: 304, headers });
    return new Response(PAGE, { headers });
  },
};

function stubCache(): void {
  const kept = new Map<string, string>();
  vi.stubGlobal('caches', {
    default: {
      match: async (key: string) => {
        const text = kept.get(key);
        return text === undefined ? undefined : new Response(text);
      },
      put: async (key: string, response: Response) => void kept.set(key, await response.text()),
    },
  });
}

function get(path: string, headers: Record<string, string>, env: Env, now = NOW) {
  return answerStatus(new Request(`https://site.example${path}`, { headers }), env, now);
}

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('the status page as Markdown', () => {
  it.each([
    ['/status.md', {}],
    ['/status', { accept: 'text/markdown' }],
  ])('%s with %o has the status in place of what is said without one', async (path, headers) => {
    stubCache();
    const response = await get(path, headers, { ASSETS, STATUS: { read: async () => REPORT } });
    const text = (await response?.text()) ?? '';
    expect(text).not.toContain(UNKNOWN);
    expect(text).toContain('| API | Up | 2026-11-26 11:00 UTC | 99.50% |');
    expect(text).toContain(
      '- **OpenAI**, 2026-11-26 11:59 UTC – ongoing: Slow answers. # No heading, and no $& either.\n',
    );
  });

  it('is answered in full to a reader that has the file, whose status has changed since', async () => {
    stubCache();
    const headers = { 'if-none-match': '"file"' };
    const response = await get('/status.md', headers, {
      ASSETS,
      STATUS: { read: async () => REPORT },
    });
    expect(response?.status).toBe(200);
    expect(response?.headers.get('etag')).toBeNull();
    expect(response?.headers.get('cache-control')).toBe('public, max-age=60');
  });

  it('says what was known last while the console hangs', async () => {
    stubCache();
    vi.useFakeTimers();
    await get('/status.md', {}, { ASSETS, STATUS: { read: async () => REPORT } });
    const hanging: Env = { ASSETS, STATUS: { read: () => new Promise(() => {}) } };
    const answer = get('/status.md', {}, hanging, NOW + 120_000);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await (await answer)?.text()).toContain('| API | Up |');
  });
});
