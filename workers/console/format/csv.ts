/**
 * CSV responses (RFC 4180), sent while the rows are read. Texts that a spreadsheet would take for a
 * formula get an apostrophe before them, because users choose names (OWASP, CSV injection).
 */
import { formatUsd, type NanoUsd } from '@farebox/money';
import { fileResponse } from './file-response.ts';

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

function toCsv(rows: readonly Row[]): string {
  return rows.map(toCsvLine).join('');
}

async function* csvParts(
  header: readonly string[],
  batches: AsyncIterable<readonly Row[]>,
): AsyncGenerator<string> {
  yield toCsv([header]);
  for await (const batch of batches) if (batch.length > 0) yield toCsv(batch);
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
  return fileResponse({ name, contentType: 'text/csv' }, csvParts(header, batches));
}

export async function* singleBatch(rows: readonly Row[]): AsyncGenerator<readonly Row[]> {
  yield rows;
}
