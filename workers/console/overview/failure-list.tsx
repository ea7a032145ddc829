/** What did not work among the newest calls, by how they ended. */
import {
  type CallEnding,
  type CallEndingKind,
  type CallSummary,
  toEndingKind,
} from '@farebox/database/statements';
import { Badge, Card, EmptyState, formatCount, Money } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import type { NanoUsd } from '@farebox/money';
import type { FC } from 'hono/jsx';
import { toBadgeKind } from '../calls/call-ending.ts';
import { toQueryString } from '../calls/call-filters.ts';

type Failure = Readonly<{ ending: CallEndingKind; calls: number; charged: NanoUsd }>;

function groupFailures(endings: readonly CallEnding[]): readonly Failure[] {
  const failures = new Map<CallEndingKind, Failure>();
  for (const { calls, charged, ...ended } of endings) {
    const ending = toEndingKind(ended);
    if (ending === 'succeeded') continue;
    const known = failures.get(ending) ?? { ending, calls: 0, charged: 0n };
    failures.set(ending, { ending, calls: known.calls + calls, charged: known.charged + charged });
  }
  return [...failures.values()].sort((a, b) => b.calls - a.calls);
}

/** The list of exactly these calls: those that ended alike among the newest, as counted here. */
function toCallsPath(ending: CallEndingKind, maxCalls: number): string {
  return `/calls${toQueryString({ filter: { ending }, before: null, searched: maxCalls }, null)}`;
}

export const FailureList: FC<
  Readonly<{ messages: Messages; language: string; summary: CallSummary; maxCalls: number }>
> = ({ messages, language, summary, maxCalls }) => {
  const { overview: t, calls } = messages;
  const failures = groupFailures(summary.endings);
  const counted = summary.endings.reduce((all, ending) => all + ending.calls, 0);
  return (
    <Card id="failures" title={t.failures}>
      {failures.length === 0 ? (
        <EmptyState text={t.noFailures(formatCount(counted, language))} />
      ) : (
        <>
          <table>
            <caption class="hidden-text">{t.failures}</caption>
            <thead>
              <tr>
                <th scope="col">{t.failureReason}</th>
                <th scope="col" class="number">
                  {messages.usage.calls}
                </th>
                <th scope="col" class="number">
                  {messages.usage.charged}
                </th>
              </tr>
            </thead>
            <tbody>
              {failures.map(({ ending, calls: count, charged }) => (
                <tr>
                  <th scope="row">
                    <a class="row-link" href={toCallsPath(ending, maxCalls)}>
                      <Badge kind={toBadgeKind(ending)}>{calls.endings[ending]}</Badge>
                    </a>
                  </th>
                  <td class="number">{formatCount(count, language)}</td>
                  <td class="number">
                    <Money amount={charged} language={language} rounded />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          <p>
            <small>
              {counted >= maxCalls
                ? t.failuresOfLatest(formatCount(maxCalls, language))
                : t.failuresOfAll(formatCount(counted, language))}
            </small>
          </p>
        </>
      )}
      <p>
        <a href="/calls#refused">{messages.refusedCalls.title}</a>
      </p>
    </Card>
  );
};
