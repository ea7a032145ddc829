/** CSV lines and responses; spreadsheets must never read a user's text as a formula. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvResponse, toCsvLine } from './csv.ts';

/** A minimal parser of RFC 4180. */
function parse(text: string): string[][] {
  const rows: string[][] = [[]];
  let cell = '';
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index] ?? '';
    if (quoted) {
      if (character !== '"') cell += character;
      else if (text[index + 1] === '"') cell += text[++index] ?? '';
      else quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === ',' || character === '\n') {
      rows.at(-1)?.push(cell.replace(/\r$/, ''));
      cell = '';
      if (character === '\n') rows.push([]);
    } else cell += character;
  }
  return rows.slice(0, -1);
}

describe('a CSV line', () => {
  it('parses back to its cells, and no text starts like a formula', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }), (messages) => {
        fc.pre(messages.every((text) => !text.endsWith('\r')));
        const [cells] = parse(toCsvLine(messages));
        expect(
          cells?.map((cell, index) => (cell === messages[index] ? cell : cell.slice(1))),
        ).toEqual(messages);
        for (const cell of cells ?? []) expect(cell).not.toMatch(/^[=+\-@\t\r\n]/);
      }),
      { seed: 3 },
    );
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '＝1'])('escapes the formula %j', (text) => {
    expect(parse(toCsvLine([text]))).toEqual([[`'${text}`]]);
  });

  it('leaves numbers unquoted, including negative ones', () => {
    expect(toCsvLine([-5, -5n, { usd: -1_500_000_000n }, null, true])).toBe('-5,-5,-1.5,,true\r\n');
  });
});

describe('csvResponse', () => {
  it('reads a batch only after the client has taken the previous one', async () => {
    let pulled = 0;
    async function* batches() {
      for (; pulled < 100; ) {
        pulled += 1;
        yield [['x'.repeat(10)]];
      }
    }
    const reader = csvResponse('a.csv', ['name'], batches()).body?.getReader();
    await reader?.read();
    await reader?.read();
    expect(pulled).toBeLessThan(5);
    await reader?.cancel();
  });

  it('goes on after batches without rows, as a filter may leave them', async () => {
    async function* batches() {
      yield* [[], [], [], [['last']]];
    }
    const response = csvResponse('a.csv', ['name'], batches());
    expect(await response.text()).toBe('name\r\nlast\r\n');
  });
});
