/** Moments as operators write them. */
import { describe, expect, it } from 'vitest';
import { parseMoment } from './moment.ts';

describe('parseMoment', () => {
  it.each([
    ['2026-12-01', '2026-12-01T00:00:00Z'],
    ['2026-12-01Z', '2026-12-01T00:00:00Z'],
    [' 2026-12-01T16:30 ', '2026-12-01T16:30:00Z'],
    ['2026-12-01T16:30:59Z', '2026-12-01T16:30:59Z'],
    ['2028-02-29', '2028-02-29T00:00:00Z'],
  ])('reads %s as UTC', (text, iso) => {
    expect(parseMoment(text)).toBe(Date.parse(iso));
  });

  it.each([
    '',
    'tomorrow',
    '2026-02-29',
    '2026-02-30',
    '2026-04-31T00:00Z',
    '2026-13-01',
    '2026-12-01T24:00',
    '2026-12-01T10:60',
    '2026-12-01T10:00+01:00',
  ])('knows no moment %j', (text) => {
    expect(parseMoment(text)).toBeUndefined();
  });
});
