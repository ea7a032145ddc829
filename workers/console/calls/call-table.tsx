/** The table of calls, for the list of calls and the overview. */
import { type CallRecord, toEndingKind } from '@farebox/database/statements';
import {
  Badge,
  formatClock,
  formatCount,
  formatDay,
  Money,
  SlashedName,
  toEpochDay,
} from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import type { Generation } from '@farebox/ledger';
import { totalInputTokens } from '@farebox/money';
import type { FC } from 'hono/jsx';
import { toBadgeKind } from './call-ending.ts';
import { formatDuration, formatSpeed } from './durations.ts';

type CallTableProps = Readonly<{
  calls: readonly CallRecord[];
  /** Returns the name of the key, as its owner chose it. */
  keyName: (keyId: number) => string;
  messages: Messages;
  language: string;
}>;

function formatInputTokens({ usage }: Generation, language: string): string {
  return usage === null ? '–' : formatCount(totalInputTokens(usage), language);
}

function formatOutputTokens({ usage }: Generation, language: string): string {
  return usage === null ? '–' : formatCount(usage.output, language);
}

const CallRow: FC<Omit<CallTableProps, 'calls'> & Readonly<{ call: CallRecord }>> = (props) => {
  const { call, keyName, messages, language } = props;
  const { generation } = call;
  const ending = toEndingKind(generation);
  const speed = formatSpeed(generation, language);
  const clock = formatClock(generation.createdAt, language);
  const words = ending === 'succeeded' ? '' : ` · ${messages.calls.endings[ending]}`;
  return (
    <tr>
      <td class="from-tablet">
        <time datetime={new Date(generation.createdAt).toISOString()}>{clock}</time>
      </td>
      <td>
        <a class="row-link" href={`/calls/${generation.id}`}>
          <SlashedName name={generation.model} />
        </a>
        <span class="second">
          <span class="phone-only">{clock} · </span>
          {keyName(call.keyId)}
          {words}
        </span>
      </td>
      <td>
        <Badge kind={toBadgeKind(ending)}>{generation.httpStatus ?? '–'}</Badge>
      </td>
      <td class="number from-desktop">{formatInputTokens(generation, language)}</td>
      <td class="number from-desktop">{formatOutputTokens(generation, language)}</td>
      <td class="number from-desktop">
        {formatDuration(generation.firstTokenMs, language) ?? '–'}
      </td>
      <td class="number from-desktop">
        {formatDuration(generation.totalMs, language) ?? '–'}
        {speed !== null && <span class="second">{messages.calls.speed(speed)}</span>}
      </td>
      <td class="number">
        <Money amount={generation.charged} language={language} rounded />
      </td>
    </tr>
  );
};

const COLUMN_COUNT = 8;

/** The calls of one day in their order; the list is newest first. */
function groupByDay(calls: readonly CallRecord[]): readonly (readonly [number, CallRecord[]])[] {
  const days = new Map<number, CallRecord[]>();
  for (const call of calls) {
    const day = toEpochDay(call.generation.createdAt);
    const known = days.get(day);
    if (known === undefined) days.set(day, [call]);
    else known.push(call);
  }
  return [...days];
}

export const CallTable: FC<CallTableProps> = (props) => {
  const { calls, messages, language } = props;
  const { calls: t } = messages;
  return (
    <table>
      <caption class="hidden-text">{t.table}</caption>
      <thead>
        <tr>
          <th scope="col" class="from-tablet">
            {t.time}
          </th>
          <th scope="col">{t.modelAndKey}</th>
          <th scope="col">{t.status}</th>
          <th scope="col" class="number from-desktop">
            {t.inputTokens}
          </th>
          <th scope="col" class="number from-desktop">
            {t.outputTokens}
          </th>
          <th scope="col" class="number from-desktop">
            {t.firstToken}
          </th>
          <th scope="col" class="number from-desktop">
            {t.duration}
          </th>
          <th scope="col" class="number">
            {t.cost}
          </th>
        </tr>
      </thead>
      {groupByDay(calls).map(([day, group]) => (
        <tbody>
          <tr class="day">
            <th scope="rowgroup" colspan={COLUMN_COUNT}>
              {formatDay(day, language)}
            </th>
          </tr>
          {group.map((call) => (
            <CallRow {...props} call={call} />
          ))}
        </tbody>
      ))}
    </table>
  );
};
