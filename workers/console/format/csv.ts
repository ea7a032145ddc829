/**
 * CSV responses (RFC 4180), sent while the rows are read. Texts that a spreadsheet would take for a
 * formula get an apostrophe before them, because users choose names (OWASP, CSV injection).
 */
import { formatUsd, type NanoUsd } from '@farebox/money';

/** An amount is written in USD as an exact decimal. */
export type Cell = string | number | bigint | boolean | null | Readonly<{ usd: NanoUsd }>;
export type Row = readonly Cell[];

/** Includes the full-width characters that East Asian spreadsheets treat the same way. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;

function formatCell(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell === 'object') return formatUsd(cell.usd);
  if (typeof cell !== 'string') return String(cell);
  const escaped = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(escaped) ? `"${escaped.replaceAll('"', '""')}"` : escaped;
}

export function toCsvLine(row: Row): string {
  return `${row.map(formatCell).join(',')}\r\n`;
}

const encoder = new TextEncoder();

function encode(rows: readonly Row[]): Uint8Array {
  return encoder.encode(rows.map(toCsvLine).join(''));
}

/**
 * `name` is the file name and must be a constant. The next batch is read when the client has taken
 * the last.
 */
export function csvResponse(
  name: string,
  header: readonly string[],
  batches: AsyncIterable<readonly Row[]>,
): Response {
  const source = batches[Symbol.asyncIterator]();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encode([header])),
    pull: async (controller) => {
      const { done, value } = await source.next();
      if (done === true) return controller.close();
      if (value.length > 0) controller.enqueue(encode(value));
    },
    cancel: async () => {
      await source.return?.();
    },
  });
  return new Response(body, {
    headers: {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="${name}"`,
      'cache-control': 'no-store',
    },
  });
}

export async function* singleBatch(rows: readonly Row[]): AsyncGenerator<readonly Row[]> {
  yield rows;
}
