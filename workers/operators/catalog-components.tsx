/** Parts of the catalog's pages: the table of price moves, and values as operators read them. */
import { type PriceMove, parseMoment } from '@farebox/catalog-changes';
import { Field, formatTime } from '@farebox/design';
import { formatUsd } from '@farebox/money';
import type { FC } from 'hono/jsx';
import { Table } from './layout.tsx';

/** USD per million units: tokens, searches, images, ... */
export function formatPrice(price: bigint | null): string {
  return price === null ? '–' : `$${formatUsd(price)}`;
}

function formatThousandths(value: bigint): string {
  const digits = value.toString().padStart(4, '0');
  return `× ${digits.slice(0, -3)}.${digits.slice(-3)}`;
}

/** Factors and shares are in millionths. */
function formatValue(key: string, value: bigint | null): string {
  if (value === null) return '–';
  const isRatio = key === 'factor' || key === 'credited share';
  return isRatio ? formatThousandths(value / 1000n) : formatPrice(value);
}

function describeModel({ modelBefore, modelAfter }: PriceMove): string {
  if (modelBefore === modelAfter) return modelAfter ?? 'top-ups';
  return `${modelBefore ?? 'not offered'} → ${modelAfter ?? 'not offered'}`;
}

export const MovesTable: FC<{ moves: readonly PriceMove[] }> = ({ moves }) => (
  <Table
    caption="Prices in USD per million, with the margin"
    headers={['Model', 'Rule', 'Of', 'Before', 'After', 'Factor', 'Second operator']}
  >
    {moves.map((move) => (
      <tr>
        <th scope="row">{describeModel(move)}</th>
        <td>{move.rule}</td>
        <td>{move.key}</td>
        <td>{formatValue(move.key, move.before)}</td>
        <td>{formatValue(move.key, move.after)}</td>
        <td>{move.factorThousandths === null ? '–' : formatThousandths(move.factorThousandths)}</td>
        <td>{move.needsApproval ? 'needed' : '–'}</td>
      </tr>
    ))}
  </Table>
);

export const EffectiveField: FC<{ value?: string }> = ({ value }) => (
  <Field
    name="effective_at"
    label="In effect from (UTC)"
    hint="Leave it empty for now. A moment in the future may be given, such as 2026-12-01T00:00."
    {...(value === undefined ? {} : { value })}
    autocomplete="off"
  />
);

/** Milliseconds since the epoch; null where the field is empty, undefined where it is no moment. */
export function parseEffectiveAt(text: string): number | null | undefined {
  return text.trim() === '' ? null : parseMoment(text);
}

export function formatMoment(at: number): string {
  return formatTime(at, 'en');
}

export function formatBasisPoints(basisPoints: number): string {
  return `${basisPoints / 100}%`;
}
