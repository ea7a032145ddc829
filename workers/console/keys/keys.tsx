/**
 * The list of API keys and the page of one key. Viewing and revoking need only a session, because
 * revoking has to be quick. Actions that give a key more power need recent authentication.
 */
import { type DailyUsageSum, listLastUsedDays, sumDailyUsage } from '@farebox/database/statements';
import {
  Badge,
  type BadgeKind,
  BudgetBar,
  Card,
  CodeTabs,
  EmptyState,
  formatCount,
  formatDay,
  formatRoundedCurrency,
  Money,
  Note,
  Sparkline,
  Toast,
  toEpochDay,
} from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { type Context, Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { page } from '../layout.tsx';
import { notFoundPage } from '../not-found.tsx';
import { requireSignIn, type SignedInEnv } from '../session.ts';
import { listSnippets } from '../snippets.ts';
import { listDailyAmounts, SPARKLINE_DAYS } from '../usage/daily-amounts.ts';
import { buildUsageStack } from '../usage/spend-stack.ts';
import { UsageStackView } from '../usage/usage-stack-view.tsx';
import {
  KeyDetails,
  KeyLimitDetails,
  KeySpending,
  KeyStateLabel,
  type LocaleProps,
} from './components.tsx';
import { createKeyRoutes } from './create-key.tsx';
import { editKeyRoutes } from './edit-key.tsx';
import { isListed, type KeyState, type KeyWithStatus, loadKey, loadKeys } from './load-keys.ts';

export const keyRoutes = new Hono<SignedInEnv>();
for (const path of ['/keys', '/keys/*']) keyRoutes.use(path, requireSignIn);
keyRoutes.route('/', createKeyRoutes);
keyRoutes.route('/', editKeyRoutes);

function getDoneMessage(code: string | undefined, messages: Messages): string | undefined {
  const doneMessages: Readonly<Record<string, string>> = messages.keys.done;
  return code !== undefined && Object.hasOwn(doneMessages, code) ? doneMessages[code] : undefined;
}

type KeyHistory = Readonly<{
  /** Sums of the last days by day and key. */
  sums: readonly DailyUsageSum[];
  lastUsed: ReadonlyMap<number, number>;
  today: number;
}>;

async function loadHistory(c: Context<SignedInEnv>): Promise<KeyHistory> {
  const { deps, user } = c.var;
  const { db, now } = deps.identity;
  const today = toEpochDay(now());
  const range = { from: today - SPARKLINE_DAYS + 1, to: today };
  const [sums, lastUsed] = await Promise.all([
    sumDailyUsage(db, user.account, range, { by: 'key' }),
    listLastUsedDays(db, user.account),
  ]);
  return { sums, lastUsed, today };
}

type KeyRowProps = LocaleProps & Readonly<{ keyInfo: KeyWithStatus; history: KeyHistory }>;

const STATE_BADGES: Readonly<Record<KeyState, BadgeKind>> = {
  active: 'good',
  paused: 'warn',
  expired: 'neutral',
  revoked: 'neutral',
};

function formatLastUsed({ keyInfo, history, messages, language }: KeyRowProps): string {
  const day = history.lastUsed.get(keyInfo.row.keyId);
  if (day === undefined) return '–';
  return day === history.today ? messages.layout.today : formatDay(day, language);
}

function formatModels({ keyInfo, messages, language }: KeyRowProps): string {
  const { models } = keyInfo.status.limits;
  const { keys: t } = messages;
  if (models === null) return t.allModels;
  return models.length === 1
    ? (models[0] ?? '')
    : t.modelCount(formatCount(models.length, language));
}

/** The budgets of a key, the one of its whole life last, with what is spent of each. */
function listBudgets({ keyInfo, messages }: KeyRowProps) {
  const { spent, limits, periodBudgets } = keyInfo.status;
  const { budgetNames } = messages.keys;
  const renewing = periodBudgets.map(({ period, budget, spent: used }) => ({
    name: budgetNames[period],
    budget,
    spent: used > 0n ? used : 0n,
  }));
  if (limits.budget === null) return renewing;
  return [...renewing, { name: budgetNames.whole, budget: limits.budget, spent }];
}

type BudgetText = Readonly<{ name: string; amounts: string; spent: bigint; budget: bigint }>;

/** The budgets with their amounts in words: what is spent, and of how much. */
function describeBudgets(props: KeyRowProps): readonly BudgetText[] {
  const { messages, language } = props;
  const format = (amount: bigint) => formatRoundedCurrency(amount, language);
  return listBudgets(props).map(({ name, budget, spent }) => ({
    name,
    amounts: `${format(spent)} ${messages.keys.ofLimit} ${format(budget)}`,
    spent,
    budget,
  }));
}

const SpentCell: FC<KeyRowProps> = (props) => (
  <>
    <Money amount={props.keyInfo.status.spent} language={props.language} rounded />
    {describeBudgets(props).map(({ name, amounts, spent, budget }) => (
      <div class="from-tablet">
        <span class="second">{`${name}: ${amounts}`}</span>
        <BudgetBar label={`${name}: ${amounts}`} spent={spent} budget={budget} />
      </div>
    ))}
  </>
);

/** On a phone the budgets of a key have a row of its whole width: a line each, with its bar. */
const PhoneBudgetRow: FC<KeyRowProps> = (props) => {
  const budgets = describeBudgets(props);
  if (budgets.length === 0) return null;
  return (
    <tr class="phone-only">
      <td colspan={3}>
        <div class="budgets">
          {budgets.map(({ name, amounts, spent, budget }) => (
            <div>
              <span>{name}</span>
              <BudgetBar label={`${name}: ${amounts}`} spent={spent} budget={budget} />
              <span>{amounts}</span>
            </div>
          ))}
        </div>
      </td>
    </tr>
  );
};

const KeyTableRow: FC<KeyRowProps> = (props) => {
  const { keyInfo, history, messages } = props;
  const { row, state } = keyInfo;
  const { keys: t, overview } = messages;
  const sums = history.sums.filter(({ group }) => group === String(row.keyId));
  return (
    <>
      <tr>
        <th scope="row">
          <a class="row-link" href={`/keys/${row.keyId}`}>
            {row.name}
          </a>
          <span class="second">
            <code>{`fbx_…${row.last4}`}</code>
          </span>
          {state === 'paused' && (
            <span class="second">
              <a href={`/keys/${row.keyId}/resume`}>{t.resume}</a>
            </span>
          )}
        </th>
        <td>
          <Badge kind={STATE_BADGES[state]}>{t.shortStates[state]}</Badge>
        </td>
        <td class="number">
          <SpentCell {...props} />
        </td>
        <td class="from-tablet">
          <Sparkline
            label={overview.dailySpendChart(row.name)}
            amounts={listDailyAmounts(sums, history.today)}
          />
        </td>
        <td class="from-desktop nowrap">{formatModels(props)}</td>
        <td class="from-tablet nowrap">{formatLastUsed(props)}</td>
      </tr>
      <PhoneBudgetRow {...props} />
    </>
  );
};

const KeyTable: FC<
  LocaleProps & Readonly<{ keys: readonly KeyWithStatus[]; history: KeyHistory }>
> = ({ keys, history, messages, language }) => {
  const { keys: t, layout, nav } = messages;
  return (
    <table>
      <caption class="hidden-text">{nav.keys}</caption>
      <thead>
        <tr>
          <th scope="col">{t.keySuffix}</th>
          <th scope="col">{t.state}</th>
          <th scope="col" class="number">
            {t.spent}
          </th>
          <th scope="col" class="from-tablet">
            {layout.lastDays(SPARKLINE_DAYS)}
          </th>
          <th scope="col" class="from-desktop">
            {t.models}
          </th>
          <th scope="col" class="from-tablet nowrap">
            {t.lastUsed}
          </th>
        </tr>
      </thead>
      <tbody>
        {keys.map((keyInfo) => (
          <KeyTableRow
            keyInfo={keyInfo}
            history={history}
            messages={messages}
            language={language}
          />
        ))}
      </tbody>
    </table>
  );
};

keyRoutes.get('/keys', async (c) => {
  const { deps, messages, language } = c.var;
  const { keys: t, layout, overview } = messages;
  const [keys, history] = await Promise.all([loadKeys(c), loadHistory(c)]);
  const allKeys = keys.filter(isListed);
  const revokedKeys = allKeys.filter(({ state }) => state === 'revoked');
  const unrevokedKeys = allKeys.filter(({ state }) => state !== 'revoked');
  const tableProps = { messages, language, history };
  const code = c.req.query('done');
  const doneMessage = getDoneMessage(code, messages);
  return page(
    c,
    {
      title: messages.nav.keys,
      activePath: '/keys',
      wide: true,
      scripts: ['copy'],
      actions: (
        <a class="button" href="/keys/new">
          {t.create}
        </a>
      ),
    },
    <>
      {doneMessage !== undefined && (
        <Toast text={doneMessage} closeLabel={layout.close} warning={code === 'limit_reached'} />
      )}
      <p>{t.intro}</p>
      <section class="card" aria-label={messages.nav.keys}>
        {unrevokedKeys.length === 0 ? (
          <EmptyState text={t.none}>
            <p>
              <a class="button plain" href="/keys/new">
                {t.create}
              </a>
            </p>
          </EmptyState>
        ) : (
          <KeyTable {...tableProps} keys={unrevokedKeys} />
        )}
        {revokedKeys.length > 0 && (
          <details>
            <summary>{t.revokedKeys(String(revokedKeys.length))}</summary>
            <KeyTable {...tableProps} keys={revokedKeys} />
          </details>
        )}
      </section>
      <Card id="use" title={t.useKey}>
        <p class="quiet-text">{overview.stepCallText}</p>
        <CodeTabs
          name="client"
          legend={overview.client}
          tabs={listSnippets(deps.apiUrl)}
          copy={{ label: layout.copyCode, copied: layout.copied }}
        />
      </Card>
    </>,
  );
});

const KeyActions: FC<{ keyInfo: KeyWithStatus; messages: Messages }> = ({ keyInfo, messages }) => {
  const { keys: t } = messages;
  const path = `/keys/${keyInfo.row.keyId}`;
  return (
    <>
      {keyInfo.state === 'paused' && (
        <a class="button" href={`${path}/resume`}>
          {t.resume}
        </a>
      )}
      <a class="button plain" href={`${path}/edit`}>
        {t.edit}
      </a>
      <a class="button plain" href={`${path}/roll`}>
        {t.roll}
      </a>
      <a class="button plain" href={`${path}/revoke`}>
        {t.revoke}
      </a>
    </>
  );
};

const USAGE_DAYS = 30;

/** What the key spent by model, so that a surprise has a name. */
async function loadKeyUsage(c: Context<SignedInEnv>, keyId: number) {
  const { deps, user } = c.var;
  const { db, now } = deps.identity;
  const today = toEpochDay(now());
  const range = { from: today - USAGE_DAYS + 1, to: today };
  const sums = await sumDailyUsage(db, user.account, range, { by: 'model', keyId });
  return { today, stack: buildUsageStack(sums, range, 'charged') };
}

type KeyUsage = Awaited<ReturnType<typeof loadKeyUsage>>;

const KeyUsageCard: FC<LocaleProps & Readonly<{ keyId: number; usage: KeyUsage }>> = (props) => {
  const { keyId, usage, messages, language } = props;
  const { stack, today } = usage;
  return (
    <Card
      id="spend"
      title={messages.overview.spentInDays(USAGE_DAYS)}
      actions={<a href={`/calls?key=${keyId}`}>{messages.keys.viewCalls}</a>}
    >
      {stack.series.length === 0 ? (
        <EmptyState text={messages.overview.chartEmpty(USAGE_DAYS)} />
      ) : (
        <UsageStackView
          messages={messages}
          language={language}
          stack={stack}
          metric="charged"
          today={today}
          groupTitle={messages.usage.model}
          groupName={(name) => name}
        />
      )}
    </Card>
  );
};

keyRoutes.get('/keys/:id', async (c) => {
  const keyInfo = await loadKey(c);
  if (keyInfo === undefined) return notFoundPage(c);
  const { messages, language } = c.var;
  const { keyId } = keyInfo.row;
  const usage = await loadKeyUsage(c, keyId);
  const locale = { messages, language };
  const doneMessage = getDoneMessage(c.req.query('done'), messages);
  return page(
    c,
    {
      title: keyInfo.row.name,
      activePath: '/keys',
      wide: true,
      actions: keyInfo.state !== 'revoked' && <KeyActions keyInfo={keyInfo} messages={messages} />,
    },
    <>
      {doneMessage !== undefined && <Toast text={doneMessage} closeLabel={messages.layout.close} />}
      {keyInfo.state === 'paused' && <Note kind="warning">{messages.keys.pausedText}</Note>}
      <div class="columns">
        <Card id="spending" title={<KeyStateLabel {...locale} keyInfo={keyInfo} />}>
          <dl class="pairs">
            <KeyDetails {...locale} keyInfo={keyInfo} />
            <KeySpending {...locale} keyInfo={keyInfo} />
          </dl>
        </Card>
        <Card id="limits" title={messages.keys.newKeyLimits}>
          <dl class="pairs">
            <KeyLimitDetails
              {...locale}
              limits={keyInfo.status.limits}
              spendGuard={keyInfo.status.spendGuard}
            />
          </dl>
        </Card>
      </div>
      <KeyUsageCard {...locale} keyId={keyId} usage={usage} />
      <p>
        <a href="/keys">{messages.keys.back}</a>
      </p>
    </>,
  );
});
