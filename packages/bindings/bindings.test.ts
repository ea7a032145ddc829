import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  cachePerEnv,
  isLoopback,
  localUrl,
  MissingBindingError,
  requireBinding,
  requireMatch,
  requireUrl,
} from './index.ts';

afterEach(() => vi.restoreAllMocks());

describe('requireBinding', () => {
  it('returns a binding that is set', () => {
    expect(requireBinding('postgres://x', 'DATABASE_URL')).toBe('postgres://x');
    expect(requireBinding(0, 'ZERO')).toBe(0);
  });

  it.each([undefined, ''])('names and logs a binding that is %j', (value) => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    expect(() => requireBinding(value, 'DATABASE_URL')).toThrow(MissingBindingError);
    expect(() => requireBinding(value, 'DATABASE_URL')).toThrow(/DATABASE_URL/);
    expect(log.mock.calls.flat().map((line) => JSON.parse(line))).toMatchObject([
      { event: 'binding_missing', name: 'DATABASE_URL' },
      { event: 'binding_missing', name: 'DATABASE_URL' },
    ]);
  });
});

describe('isLoopback', () => {
  it.each(['localhost', '127.0.0.1', '[::1]', 'operators.localhost'])('accepts %s', (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  it.each(['localhost.example.com', '127.0.0.2', 'example.com', 'notlocalhost', ''])(
    'rejects %j',
    (host) => {
      expect(isLoopback(host)).toBe(false);
    },
  );
});

describe('requireMatch and requireUrl', () => {
  it('return the binding, or throw where its text is malformed', () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    expect(requireMatch('ab', /^[a-z]+$/, 'NAME')).toBe('ab');
    expect(() => requireMatch('a1', /^[a-z]+$/, 'NAME')).toThrow(MissingBindingError);
    expect(requireUrl('https://a.example', 'URL').hostname).toBe('a.example');
    expect(() => requireUrl('a.example', 'URL')).toThrow(MissingBindingError);
  });
});

describe('localUrl', () => {
  it('returns an override only if it and the host are loopback', () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    expect(localUrl(undefined, 'URL', 'a.example')).toBeUndefined();
    expect(localUrl('', 'URL', 'a.example')).toBeUndefined();
    expect(localUrl('http://127.0.0.1:1/keys', 'URL', 'localhost')).toBe('http://127.0.0.1:1/keys');
    expect(() => localUrl('http://127.0.0.1:1', 'URL', 'a.example')).toThrow(MissingBindingError);
    expect(() => localUrl('https://a.example', 'URL', 'localhost')).toThrow(MissingBindingError);
  });
});

describe('cachePerEnv', () => {
  it('creates a value once per Env object, and again after an error', () => {
    const create = vi.fn(({ name }: { name?: string }) => requireBinding(name, 'NAME').length);
    const get = cachePerEnv(create);
    const env: { name?: string } = {};
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    expect(() => get(env)).toThrow(MissingBindingError);
    env.name = 'abc';
    expect([get(env), get(env), get({ name: 'a' })]).toEqual([3, 3, 1]);
    expect(create).toHaveBeenCalledTimes(3);
  });
});
