/** CSV that spreadsheets read as data, never as formulas, whatever people call their keys. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvAnswer, csvLine } from './sheet.ts';

/** RFC 4180, read back by hand. */
function parse(text: string): string[][] {
  const rows: string[][] = [[]];
  let cell = '';
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    const letter = text[index] ?? '';
    if (quoted) {
      if (letter !== '"') cell += letter;
      else if (text[index + 1] === '"') cell += text[++index] ?? '';
      else quoted = false;
    } else if (letter === '"') quoted = true;
    else if (letter === ',' || letter === '\n') {
      rows.at(-1)?.push(cell.replace(/\r$/, ''));
      cell = '';
      if (letter === '\n') rows.push([]);
    } else cell += letter;
  }
  return rows.slice(0, -1);
}

describe('a line', () => {
  it('comes back as it was, and no text begins as a formula would', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }), (texts) => {
        fc.pre(texts.every((text) => !text.endsWith('\r')));
        const [cells] = parse(csvLine(texts));
        expect(cells?.map((cell, index) => (cell === texts[index] ? cell : cell.slice(1)))).toEqual(
          texts,
        );
        for (const cell of cells ?? []) expect(cell).not.toMatch(/^[=+\-@\t\r\n]/);
      }),
      { seed: 3 },
    );
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '＝1'])('disarms %j', (text) => {
    expect(parse(csvLine([text]))).toEqual([[`'${text}`]]);
  });

  it('leaves numbers numbers, below zero too', () => {
    expect(csvLine([-5, -5n, { usd: -1_500_000_000n }, null, true])).toBe('-5,-5,-1.5,,true\r\n');
  });
});

describe('an answer', () => {
  it('asks for a batch only once the one before was taken', async () => {
    let asked = 0;
    async function* batches() {
      for (; asked < 100; ) {
        asked += 1;
        yield [['x'.repeat(10)]];
      }
    }
    const reader = csvAnswer('a.csv', ['name'], batches()).body?.getReader();
    await reader?.read();
    await reader?.read();
    expect(asked).toBeLessThan(5);
    await reader?.cancel();
  });
});
