import { connect } from '@farebox/database';
import { describe, expect, it } from 'vitest';
import { issueFormToken } from './idempotency.ts';

describe('issueFormToken', () => {
  it('issues the same token as before, so that forms on open pages stay valid', () => {
    const deps = {
      db: connect('postgres://u:p@localhost:1/x'),
      accounts: { open: () => Promise.resolve() },
      secret: Uint8Array.from({ length: 32 }, (_, index) => index),
      random: (bytes: number) => new Uint8Array(bytes).fill(7),
      now: () => 1_700_000_000_000,
    };
    expect(issueFormToken(deps, '0123456789abcdef', 'keys')).toBe(
      '1700003600000.07070707070707070707070707070707.e148b8dc29cc016949acdab8389be78b4fbeae1242171b265c256febd03b5f83',
    );
  });
});
