/** The console's routes, called without a server. */
import { describe, expect, it, vi } from 'vitest';
import { app } from './app.ts';

/** A stand-in for other Workers; the requests below must not call any. */
const unreachableService = new Proxy(
  {},
  { get: () => () => Promise.reject(new Error('not here')) },
);
const bindings = {
  DATABASE_URL: 'postgresql://a:hidden@db.example/x',
  ACCOUNTS: unreachableService,
  CATALOG: unreachableService,
  MAIL: unreachableService,
  CONSOLE_SECRET: '00'.repeat(32),
  CONSOLE_URL: 'https://console.example',
  API_URL: 'https://api.example.com',
};

async function get(url: string, env: object = bindings): Promise<Response> {
  return app.request(url, {}, env);
}

describe('every response', () => {
  const paths = ['/', '/healthz', '/style.css', '/nowhere'];
  it.each(paths)('for %s forbids inline scripts, framing and MIME sniffing', async (path) => {
    const { headers } = await get(`https://console.example${path}`);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('strict-transport-security')).toContain('max-age=63072000');
  });

  it('redirects plain HTTP to the same path without HSTS', async () => {
    const response = await get('http://console.example/healthz?a=b');
    expect(response.status).toBe(308);
    expect(response.headers.get('location')).toBe('https://console.example/healthz?a=b');
    expect(response.headers.get('strict-transport-security')).toBeNull();
  });

  it('is served over plain HTTP on loopback', async () => {
    expect((await get('http://127.0.0.1:8788/healthz')).status).toBe(200);
    expect((await get('http://localhost:8788/healthz')).status).toBe(200);
  });
});

describe('operators’ pages', () => {
  it.each(['/operators', '/operators/health'])(
    'are not served by the console: %s answers 404',
    async (path) => {
      expect((await get(`https://console.example${path}`)).status).toBe(404);
    },
  );
});

describe('a missing binding', () => {
  it('answers 503 and logs its name without its value', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {});
    const response = await get('https://console.example/healthz', { DATABASE_URL: 'secret' });
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain('ACCOUNTS');
    expect(logged.mock.calls).toEqual([['{"event":"binding_missing","name":"ACCOUNTS"}']]);
    logged.mockRestore();
  });
});

describe('an unexpected error', () => {
  const session = { cookie: `__Host-session=${'a'.repeat(64)}` };
  /** The database of the bindings can't be reached. */
  const getWith = (headers: Record<string, string>) =>
    app.request('https://console.example/keys', { headers: { ...session, ...headers } }, bindings);

  it.each([
    ['ru', 'Что-то пошло не так'],
    ['zh', '出错了'],
    ['fr', 'Something went wrong'],
  ])('answers 500 with a page in the language of the request, for %s', async (language, title) => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {});
    const response = await getWith({ accept: 'text/html', 'accept-language': language });
    expect(response.status).toBe(500);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    const body = await response.text();
    expect(body).toContain(`<h1>${title}</h1>`);
    expect(body).toContain('href="/keys"');
    expect(body).not.toContain('db.example');
    logged.mockRestore();
  });

  it('answers 500 with one line to a client that reads no HTML', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {});
    const response = await getWith({ accept: 'application/json' });
    expect([response.status, response.headers.get('content-type')]).toEqual([
      500,
      'text/plain; charset=UTF-8',
    ]);
    logged.mockRestore();
  });
});
