/**
 * The public status page from cron to reader: the console's cron checks the components, the site
 * reads its rows, and answers what it read while the console has no database.
 */
import { type LocalStack, startStack } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

describe('the status page', () => {
  let stack: LocalStack;

  beforeAll(async () => {
    stack = await startStack({ quiet: true, cronEveryMs: null, site: {} });
  }, 120_000);
  afterAll(async () => {
    await stack?.stop();
  });

  const read = (path: string) => fetch(`${stack.siteUrl}${path}`);

  it('says that nothing was checked before the first run of the cron', async () => {
    expect(await (await read('/status')).text()).toContain('Nothing has been checked yet.');
  });

  it('shows what the cron found, in each language, as JSON and as a feed', async () => {
    await stack.runCrons();
    await stack.restartWorkers();
    const json = (await (await read('/status.json')).json()) as {
      components: { component: string; state: string }[];
    };
    const states = new Map(json.components.map(({ component, state }) => [component, state]));
    expect(states.get('api')).toBe('up');
    expect(states.get('console')).toBe('up');
    expect(states.get('mail')).toBe('up');
    for (const [path, word] of [
      ['/status', 'Up'],
      ['/ru/status', 'Работает'],
      ['/zh/status', '正常'],
    ] as const) {
      const response = await read(path);
      expect(response.headers.get('content-security-policy'), path).toContain("default-src 'none'");
      expect(await response.text(), path).toContain(`<td class="state up">${word}</td>`);
    }
    const feed = await read('/status.atom');
    expect(feed.headers.get('content-type')).toContain('application/atom+xml');
  });

  it('answers what it read in the last minute while the console has no database', async () => {
    await stack.stopDatabase();
    const response = await read('/status.json');
    expect(response.status).toBe(200);
    expect(JSON.stringify(await response.json())).toContain('"state":"up"');
    await stack.startDatabase();
  });
});
