/** The keys that spent most in the period, and warnings about paused ones. */
import type { DailyUsageSum, KeyRow } from '@farebox/database/statements';
import { Card, EmptyState, formatRoundedCurrency, Money, Note, Sparkline } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import type { KeyStatus } from '@farebox/ledger';
import type { FC } from 'hono/jsx';
import { totalUsage } from '../usage/aggregate.ts';
import { listDailyAmounts, SPARKLINE_DAYS } from '../usage/daily-amounts.ts';

const MAX_KEYS = 5;

type LocaleProps = Readonly<{ messages: Messages; language: string }>;

export const PausedKeyWarnings: FC<
  LocaleProps & Readonly<{ keyStatuses: readonly KeyStatus[]; keys: readonly KeyRow[] }>
> = ({ keyStatuses, keys, messages, language }) => (
  <>
    {keyStatuses
      .filter((key) => key.pausedAt !== null && key.revokedAt === null)
      .map(({ keyId, spentToday }) => {
        const keyName = keys.find((key) => key.keyId === keyId)?.name;
        const name = keyName ?? messages.usage.deletedKey(String(keyId));
        return (
          <Note kind="warning">
            {messages.overview.keyPaused(name, formatRoundedCurrency(spentToday, language))}{' '}
            <a href={`/keys/${keyId}/resume`}>{messages.overview.reviewAndResume}</a>
          </Note>
        );
      })}
  </>
);

export const KeySummary: FC<
  LocaleProps &
    Readonly<{
      /** Of the period that is shown. */
      byKey: readonly DailyUsageSum[];
      /** Of the days of the sparklines, at least. */
      recentByKey: readonly DailyUsageSum[];
      keys: readonly KeyRow[];
      today: number;
    }>
> = ({ byKey, recentByKey, keys, today, messages, language }) => {
  const { overview: t } = messages;
  const rows = keys
    .filter(({ state }) => state === 'active')
    .map((key) => {
      const ofKey = ({ group }: DailyUsageSum) => group === String(key.keyId);
      const { charged } = totalUsage(byKey.filter(ofKey));
      return { key, charged, amounts: listDailyAmounts(recentByKey.filter(ofKey), today) };
    })
    .sort((a, b) => (a.charged === b.charged ? 0 : a.charged > b.charged ? -1 : 1))
    .slice(0, MAX_KEYS);
  return (
    <Card id="keys" title={messages.nav.keys} actions={<a href="/keys">{t.allKeys}</a>}>
      {rows.length === 0 ? (
        <EmptyState text={messages.keys.none} />
      ) : (
        <table>
          <caption class="hidden-text">{messages.nav.keys}</caption>
          <thead>
            <tr>
              <th scope="col">{messages.usage.key}</th>
              <th scope="col" class="from-tablet">
                {messages.layout.lastDays(SPARKLINE_DAYS)}
              </th>
              <th scope="col" class="number">
                {messages.usage.charged}
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ key, charged, amounts }) => (
              <tr>
                <th scope="row">
                  <a class="row-link" href={`/keys/${key.keyId}`}>
                    {key.name}
                  </a>
                  <span class="second">{`fbx_…${key.last4}`}</span>
                </th>
                <td class="from-tablet">
                  <Sparkline label={t.dailySpendChart(key.name)} amounts={amounts} />
                </td>
                <td class="number">
                  <Money amount={charged} language={language} rounded />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  );
};
