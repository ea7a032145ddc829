import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { csrfProtection } from './csrf.ts';

const ORIGIN = 'https://console.example';
const app = new Hono();
app.use(csrfProtection(() => ORIGIN));
app.all('*', (c) => c.text('ok'));

async function send(method: string, headers: Record<string, string>, url = `${ORIGIN}/form`) {
  return (await app.request(url, { method, headers })).status;
}

describe('CSRF protection', () => {
  it('accepts a form whose Origin is exactly the expected origin', async () => {
    expect(await send('POST', { origin: ORIGIN })).toBe(200);
    expect(await send('POST', { origin: ORIGIN, 'sec-fetch-site': 'same-origin' })).toBe(200);
  });

  it.each([
    ['without an Origin', {}],
    ['with the Origin null', { origin: 'null' }],
    ['from another origin', { origin: 'https://evil.example' }],
    ['from a subdomain', { origin: 'https://a.console.example' }],
    ['from the same host over plain HTTP', { origin: 'http://console.example' }],
    ['that the browser calls cross-site', { origin: ORIGIN, 'sec-fetch-site': 'cross-site' }],
    ['that the browser calls same-site', { origin: ORIGIN, 'sec-fetch-site': 'same-site' }],
  ])('rejects a form %s', async (_, headers) => {
    expect(await send('POST', { ...headers })).toBe(403);
    expect(await send('DELETE', { ...headers })).toBe(403);
  });

  it('lets GET and HEAD pass without an Origin', async () => {
    expect(await send('GET', {})).toBe(200);
    expect(await send('HEAD', {})).toBe(200);
  });

  it('accepts the request’s own origin on loopback only', async () => {
    const local = 'http://127.0.0.1:8788';
    expect(await send('POST', { origin: local }, `${local}/form`)).toBe(200);
    expect(await send('POST', { origin: 'http://localhost:8788' }, `${local}/form`)).toBe(403);
    const other = 'https://other.example';
    expect(await send('POST', { origin: other }, `${other}/form`)).toBe(403);
  });
});
