/** The parts of a key's display: state, spending and limits. */
import { Money, Time } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { BUDGET_PERIODS, type KeyLimits, type SpendGuard } from '@farebox/ledger';
import type { Child, FC } from 'hono/jsx';
import type { KeyWithStatus } from './load-keys.ts';

export type LocaleProps = Readonly<{ messages: Messages; language: string }>;

const DescriptionItem: FC<{ name: string; children?: Child }> = ({ name, children }) => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);

export const KeyStateLabel: FC<LocaleProps & { keyInfo: KeyWithStatus }> = ({
  keyInfo,
  messages,
  language,
}) => {
  const { row, status, state } = keyInfo;
  const since = state === 'revoked' ? (status.revokedAt ?? row.revokedAt) : status.pausedAt;
  return (
    <>
      <strong>{messages.keys.states[state]}</strong>
      {(state === 'revoked' || state === 'paused') && since !== null && (
        <>
          {' '}
          <Time at={since} language={language} />
        </>
      )}
    </>
  );
};

/** The amounts of a key: spent, held, and the daily average. */
export const KeySpending: FC<LocaleProps & { keyInfo: KeyWithStatus }> = ({
  keyInfo,
  messages,
  language,
}) => {
  const { limits, spent, held, spentToday, typicalDailySpend } = keyInfo.status;
  const { keys: t } = messages;
  return (
    <>
      <DescriptionItem name={t.spent}>
        <Money amount={spent} language={language} />
        {limits.budget !== null && (
          <>
            {' '}
            {t.ofLimit} <Money amount={limits.budget} language={language} />
          </>
        )}
      </DescriptionItem>
      {keyInfo.status.periodBudgets.map(({ period, budget, spent: used, left, resetsAt }) => (
        <DescriptionItem name={t.periodSpent[period]}>
          <Money amount={used > 0n ? used : 0n} language={language} /> {t.ofLimit}{' '}
          <Money amount={budget} language={language} />
          <br />
          {t.budgetLeft} <Money amount={left} language={language} />, {t.resetsAt}{' '}
          <Time at={resetsAt} language={language} />
        </DescriptionItem>
      ))}
      {held > 0n && (
        <DescriptionItem name={t.held}>
          <Money amount={held} language={language} />
        </DescriptionItem>
      )}
      <DescriptionItem name={t.spentToday}>
        <Money amount={spentToday} language={language} />
      </DescriptionItem>
      <DescriptionItem name={t.dailyAverage}>
        {typicalDailySpend === null ? (
          t.dailyAverageUnknown
        ) : (
          <Money amount={typicalDailySpend} language={language} />
        )}
      </DescriptionItem>
    </>
  );
};

/** The limits and the spend guard of a key. */
export const KeyLimitDetails: FC<
  LocaleProps & Readonly<{ limits: KeyLimits; spendGuard: SpendGuard }>
> = ({ limits, spendGuard, messages, language }) => {
  const { keys: t, layout } = messages;
  const formatCount = (value: number | null) => (value === null ? layout.unlimited : String(value));
  const formatMultiple = (value: number | null) =>
    value === null ? t.off : t.timesDailyAverage(String(value));
  return (
    <>
      <DescriptionItem name={t.budget}>
        {limits.budget === null ? (
          layout.unlimited
        ) : (
          <Money amount={limits.budget} language={language} />
        )}
      </DescriptionItem>
      {BUDGET_PERIODS.map((period) => {
        const budget = limits.periodBudgets?.[period];
        return (
          budget !== undefined && (
            <DescriptionItem name={t.periodBudgets[period]}>
              <Money amount={budget} language={language} />
            </DescriptionItem>
          )
        );
      })}
      {typeof limits.maxOutputPrice === 'bigint' && (
        <DescriptionItem name={t.maxOutputPrice}>
          <Money amount={limits.maxOutputPrice} language={language} />
        </DescriptionItem>
      )}
      <DescriptionItem name={t.expires}>
        {limits.expiresAt === null ? t.never : <Time at={limits.expiresAt} language={language} />}
      </DescriptionItem>
      <DescriptionItem name={t.models}>
        {limits.models === null ? t.allModels : limits.models.join(', ')}
      </DescriptionItem>
      <DescriptionItem name={t.perMinute}>{formatCount(limits.callsPerMinute)}</DescriptionItem>
      <DescriptionItem name={t.concurrent}>{formatCount(limits.concurrentCalls)}</DescriptionItem>
      <DescriptionItem name={t.alertAt}>{formatMultiple(spendGuard.alertMultiple)}</DescriptionItem>
      <DescriptionItem name={t.pauseAt}>{formatMultiple(spendGuard.pauseMultiple)}</DescriptionItem>
    </>
  );
};

export const KeyDetails: FC<LocaleProps & { keyInfo: KeyWithStatus }> = ({
  keyInfo,
  messages,
  language,
}) => (
  <>
    <DescriptionItem name={messages.keys.keySuffix}>
      <code>{`fbx_…${keyInfo.row.last4}`}</code>
    </DescriptionItem>
    <DescriptionItem name={messages.keys.created}>
      <Time at={keyInfo.row.createdAt} language={language} />
    </DescriptionItem>
  </>
);
