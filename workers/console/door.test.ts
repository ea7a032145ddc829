/** The console through its own door, without a server. */
import type { AccountsDoor } from '@farebox/ledger';
import { describe, expect, it, vi } from 'vitest';
import { door } from './door.ts';
import type { Env } from './env.ts';

const accounts: AccountsDoor = {
  open: async () => {},
  mintKey: async () => ({ ok: false, reason: 'not_open' }),
  revokeKey: async () => ({ ok: false, reason: 'unknown' }),
  statement: async () => [],
};
const bindings: Env = { DATABASE_URL: 'postgresql://a:hidden@db.example/x', ACCOUNTS: accounts };

async function get(url: string, env: Env = bindings): Promise<Response> {
  return door.request(url, {}, env);
}

describe('the first page', () => {
  it('says where the API is, and needs no script', async () => {
    const answer = await get('https://console.example/', {
      ...bindings,
      API_URL: 'https://api.example.com/',
    });
    const page = await answer.text();
    expect(answer.status).toBe(200);
    expect(page).toContain('<code>https://api.example.com/v1</code>');
    expect(page).toContain('<html lang="en">');
    expect(page).not.toContain('<script');
  });

  it('invents no address where none is configured', async () => {
    expect(await (await get('https://console.example/')).text()).not.toMatch(/https?:\/\//);
  });
});

describe('every answer', () => {
  const paths = ['/', '/healthz', '/style.css', '/nowhere'];
  it.each(paths)('of %s forbids scripts, frames and sniffing', async (path) => {
    const { headers } = await get(`https://console.example${path}`);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('strict-transport-security')).toContain('max-age=63072000');
  });

  it('over plain HTTP is a redirect, without HSTS and with the same path', async () => {
    const answer = await get('http://console.example/healthz?a=b');
    expect(answer.status).toBe(308);
    expect(answer.headers.get('location')).toBe('https://console.example/healthz?a=b');
    expect(answer.headers.get('strict-transport-security')).toBeNull();
  });

  it("over plain HTTP is given on one's own machine", async () => {
    expect((await get('http://127.0.0.1:8788/healthz')).status).toBe(200);
    expect((await get('http://localhost:8788/')).status).toBe(200);
  });
});

describe('a missing binding', () => {
  it('fails loudly by its name alone', async () => {
    const said = vi.spyOn(console, 'error').mockImplementation(() => {});
    const answer = await get('https://console.example/healthz', { DATABASE_URL: 'secret' });
    expect(answer.status).toBe(503);
    expect(await answer.text()).not.toContain('ACCOUNTS');
    expect(said.mock.calls).toEqual([['{"event":"binding_missing","name":"ACCOUNTS"}']]);
    said.mockRestore();
  });
});
