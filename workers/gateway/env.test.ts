/** The gateway's bindings: timeouts in seconds, and the former names that are still read. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Env, getDeps } from './env.ts';

const LEDGER: Required<Env>['LEDGER'] = Object({});
const SETTLEMENTS: Queue = Object({});
const CATALOG: Required<Env>['CATALOG'] = Object({});

function getTimeouts(bindings: Env) {
  const KEY_MAC_SECRETS = `1:${'00'.repeat(32)}`;
  return getDeps({ ...bindings, LEDGER, SETTLEMENTS, CATALOG, KEY_MAC_SECRETS }).timeouts;
}

function getProviderIds(extraProviders: string): string[] {
  const KEY_MAC_SECRETS = `1:${'00'.repeat(32)}`;
  const bindings = { LEDGER, SETTLEMENTS, CATALOG, KEY_MAC_SECRETS };
  return [...getDeps({ ...bindings, EXTRA_PROVIDERS: extraProviders }).providers.keys()];
}

describe('EXTRA_PROVIDERS', () => {
  it('is read as README.md writes it', () => {
    const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
    const [, example = ''] = /EXTRA_PROVIDERS='(.+)'\n/.exec(readme) ?? [];
    expect(getProviderIds(example)).toContain('groq');
  });

  it('adds each provider of the list', () => {
    const list = ['groq', 'other'].map((id) => ({
      id,
      base_url: 'https://a.example',
      api_key: 'k',
    }));
    expect(getProviderIds(JSON.stringify(list))).toEqual(['groq', 'other']);
    expect(getProviderIds('')).toEqual([]);
  });

  it.each([
    'not json',
    '{}',
    '[null]',
    '[{"id":"groq","base_url":"https://a.example"}]',
    '[{"id":"groq","base_url":"https://a.example","api_key":1}]',
  ])('is named in the error when it is %s', (text) => {
    expect(() => getProviderIds(text)).toThrow('EXTRA_PROVIDERS');
  });
});

const RENAMED = [
  ['FIRST_BYTE_TIMEOUT_SECONDS', 'FIRST_BYTE_SECONDS', 'firstByteMs'],
  ['IDLE_TIMEOUT_SECONDS', 'SILENCE_SECONDS', 'idleMs'],
  ['KEEPALIVE_SECONDS', 'PING_SECONDS', 'keepAliveMs'],
  ['HOLD_GRACE_SECONDS', 'GRACE_SECONDS', 'holdGraceMs'],
] as const;

describe('timeouts of the gateway', () => {
  it.each(RENAMED)('reads %s in seconds', (name, _, timeout) => {
    expect(getTimeouts({ [name]: '1.5' })[timeout]).toBe(1500);
  });

  it.each(RENAMED)(
    'reads %s from its former name %s when it is not set',
    (name, former, timeout) => {
      expect(getTimeouts({ [former]: '7' })[timeout]).toBe(7000);
      expect(getTimeouts({ [name]: '', [former]: '7' })[timeout]).toBe(7000);
      expect(getTimeouts({ [name]: '3', [former]: '7' })[timeout]).toBe(3000);
    },
  );

  it.each(RENAMED)('names the malformed binding, whether %s or %s', (name, former) => {
    expect(() => getTimeouts({ [name]: 'soon' })).toThrow(name);
    expect(() => getTimeouts({ [former]: '-1' })).toThrow(former);
  });

  it('uses the defaults when no binding is set', () => {
    expect(getTimeouts({})).toEqual({
      firstByteMs: 600_000,
      idleMs: 300_000,
      keepAliveMs: 5_000,
      checkpointMs: 5_000,
      drainMs: 20_000,
      holdGraceMs: 120_000,
    });
  });
});
