import { afterEach, describe, expect, it, vi } from 'vitest';
import { isLoopback, MissingBindingError, requireBinding } from './index.ts';

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
