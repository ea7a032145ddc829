/** Parts of the catalog's pages: the table of price moves, and values as operators read them. */
import { type PriceMove, parseMoment } from '@farebox/catalog-changes';
import { Field, formatCount, formatTime } from '@farebox/design';
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

/** A row without values says that a condition or a pattern moves. */
function isMoved({ before, after, modelBefore, modelAfter }: PriceMove): boolean {
  return before === null || before !== after || modelBefore !== modelAfter;
}

export const MovesTable: FC<{ moves: readonly PriceMove[] }> = ({ moves }) => {
  const moved = moves.filter(isMoved);
  const kept = moves.length - moved.length;
  return (
    <>
      <Table
        caption="Prices that change, in USD per million, with the margin"
        headers={['Model', 'Rule', 'Of', 'Before', 'After', 'Factor', 'Second operator']}
      >
        {moved.map((move) => (
          <tr>
            <th scope="row">{describeModel(move)}</th>
            <td>{move.rule}</td>
            <td>{move.key}</td>
            <td>{formatValue(move.key, move.before)}</td>
            <td>{formatValue(move.key, move.after)}</td>
            <td>
              {move.factorThousandths === null ? '–' : formatThousandths(move.factorThousandths)}
            </td>
            <td>{move.needsApproval ? 'needed' : '–'}</td>
          </tr>
        ))}
      </Table>
      {kept > 0 && <p>{`Prices that stay as they are: ${formatCount(kept, 'en')}.`}</p>}
    </>
  );
};

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
