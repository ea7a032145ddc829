/** How a key is shown: what it is held to, what it spent, and whether anything stopped it. */
import type { Texts } from '@farebox/languages';
import type { Child, FC } from 'hono/jsx';
import { Money, Time } from '../page.tsx';
import type { OwnKey } from './own.ts';

export type Reader = Readonly<{ texts: Texts; language: string }>;

const Pair: FC<{ name: string; children?: Child }> = ({ name, children }) => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);

export const KeyState: FC<Reader & { own: OwnKey }> = ({ own, texts, language }) => {
  const { row, standing, state } = own;
  const since = state === 'revoked' ? (standing.revokedAt ?? row.revokedAt) : standing.pausedAt;
  return (
    <>
      <strong>{texts.keys.states[state]}</strong>
      {(state === 'revoked' || state === 'paused') && since !== null && (
        <>
          {' '}
          <Time at={since} language={language} />
        </>
      )}
    </>
  );
};

/** What is asked most: how much of what. */
export const Spending: FC<Reader & { own: OwnKey }> = ({ own, texts }) => {
  const { limits, spent, held, spentToday, usualDay } = own.standing;
  const { keys: t } = texts;
  return (
    <>
      <Pair name={t.spent}>
        <Money amount={spent} />
        {limits.budget !== null && (
          <>
            {' '}
            {t.of} <Money amount={limits.budget} />
          </>
        )}
      </Pair>
      {held > 0n && (
        <Pair name={t.held}>
          <Money amount={held} />
        </Pair>
      )}
      <Pair name={t.today}>
        <Money amount={spentToday} />
      </Pair>
      <Pair name={t.usualDay}>
        {usualDay === null ? t.usualUnknown : <Money amount={usualDay} />}
      </Pair>
    </>
  );
};

/** Everything else it is held to. */
export const Limits: FC<Reader & { own: OwnKey }> = ({ own, texts, language }) => {
  const { limits, brakes } = own.standing;
  const { keys: t, frame } = texts;
  const count = (value: number | null) => (value === null ? frame.unlimited : String(value));
  const brake = (value: number | null) => (value === null ? t.off : t.times(String(value)));
  return (
    <>
      <Pair name={t.budget}>
        {limits.budget === null ? frame.unlimited : <Money amount={limits.budget} />}
      </Pair>
      <Pair name={t.expires}>
        {limits.expiresAt === null ? t.never : <Time at={limits.expiresAt} language={language} />}
      </Pair>
      <Pair name={t.models}>{limits.models === null ? t.allModels : limits.models.join(', ')}</Pair>
      <Pair name={t.perMinute}>{count(limits.callsPerMinute)}</Pair>
      <Pair name={t.concurrent}>{count(limits.concurrentCalls)}</Pair>
      <Pair name={t.noticeAt}>{brake(brakes.noticeAt)}</Pair>
      <Pair name={t.pauseAt}>{brake(brakes.pauseAt)}</Pair>
    </>
  );
};

export const Ending: FC<Reader & { own: OwnKey }> = ({ own, texts, language }) => (
  <>
    <Pair name={texts.keys.ending}>
      <code>{`fbx_…${own.row.last4}`}</code>
    </Pair>
    <Pair name={texts.keys.created}>
      <Time at={own.row.createdAt} language={language} />
    </Pair>
  </>
);
