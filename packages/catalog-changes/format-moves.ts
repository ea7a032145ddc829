/** The moves of a change as a table of text, for a terminal. Pure. */
import { formatUsd } from '@farebox/money';
import type { PriceMove } from './price-moves.ts';

const HEADERS = ['model', 'rule', 'of', 'before', 'after', 'factor', ''] as const;

function formatThousandths(value: bigint | null): string {
  if (value === null) return '-';
  const digits = value.toString().padStart(4, '0');
  return `x${digits.slice(0, -3)}.${digits.slice(-3)}`;
}

function formatValue(key: string, value: bigint | null): string {
  if (value === null) return '-';
  const isRatio = key === 'factor' || key === 'credited share';
  return isRatio ? formatThousandths(value / 1000n) : formatUsd(value);
}

function toCells(move: PriceMove): readonly string[] {
  const { modelBefore, modelAfter, rule, key, before, after, factorThousandths } = move;
  const model =
    modelBefore === modelAfter
      ? (modelAfter ?? 'top-ups')
      : `${modelBefore ?? '(none)'} -> ${modelAfter ?? '(none)'}`;
  return [
    model,
    rule,
    key,
    formatValue(key, before),
    formatValue(key, after),
    formatThousandths(factorThousandths),
    move.needsApproval ? 'second operator' : '',
  ];
}

/** Prices are USD per million units, with the margin. */
export function formatMoves(moves: readonly PriceMove[]): string {
  const rows = [HEADERS, ...moves.map(toCells)];
  const widths = HEADERS.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
