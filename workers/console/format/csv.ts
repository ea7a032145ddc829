/**
 * Tables as CSV (RFC 4180), sent row by row as they are read. Numbers go as numbers; a text that a
 * spreadsheet would take for a formula gets a quote before it, because names are chosen by people
 * (OWASP, CSV injection).
 */
import { formatUsd, type NanoUsd } from '@farebox/money';

/** An amount is written as exact decimal USD. */
export type Cell = string | number | bigint | boolean | null | Readonly<{ usd: NanoUsd }>;
export type Row = readonly Cell[];

/** Also in the wide forms that spreadsheets of East Asia read alike. */
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

/** `name` is a file name of ours. Batches are asked for one at a time, as fast as they are taken. */
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
