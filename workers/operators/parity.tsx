/** Parity: bills against the catalog that they name, costs that providers state, and sources. */
import type { Database } from '@farebox/database';
import {
  acknowledgePrices,
  type CheckedDifference,
  checkAcknowledgements,
  findParityReport,
  listParityReports,
  type ParityReport,
} from '@farebox/database/catalog';
import { formatCount, formatDay, Money, readForm } from '@farebox/design';
import { DAY_MS } from '@farebox/ledger';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { type ActionOutcome, auditView, runAudited } from './audited-action.ts';
import { errorPage, operatorPage, ReasonField, Table, Timestamp } from './layout.tsx';
import type { OperatorContext, OperatorEnv } from './operator-auth.ts';

const MAX_DAYS = 60;
/** A report is complete an hour and a few minutes after its day. */
const REPORT_LATE_MS = DAY_MS + 6 * 3_600_000;

/** What an operator has to look at; empty before the first report. */
export function findParityIssues(
  [latest]: readonly ParityReport[],
  now: number,
): readonly string[] {
  if (latest === undefined) return [];
  const age = now - (latest.day + 1) * DAY_MS;
  const isLate = age > REPORT_LATE_MS || (latest.completedAt === null && age > REPORT_LATE_MS / 2);
  return [
    ...(isLate ? ['Yesterday’s bills have not been recomputed.'] : []),
    ...(latest.differing > 0
      ? [`Bills of the last recomputed day that differ from their prices: ${latest.differing}.`]
      : []),
    ...latest.providerCosts
      .filter(({ differing }) => differing > 0)
      .map(
        ({ provider, differing, calls }) =>
          `${provider} stated another cost than its prices give for ${differing} of ${calls} calls.`,
      ),
  ];
}

/** The differences of the latest report that no operator has acknowledged, also since. */
export async function findPriceIssues(
  db: Database,
  [latest]: readonly ParityReport[],
): Promise<readonly string[]> {
  const checked = await checkAcknowledgements(db, latest?.priceDifferences ?? []);
  const count = checked.filter(({ acknowledgement }) => acknowledgement === null).length;
  return count === 0
    ? []
    : [`Prices in effect that differ from their sources, not acknowledged: ${count}.`];
}

export const parity = new Hono<OperatorEnv>();

/** The costs that providers stated of the calls of one day, beside what their prices give. */
const ProviderCostTable: FC<Readonly<{ report: ParityReport }>> = ({ report }) => (
  <Table
    caption={`Costs stated by providers, ${formatDay(report.day, 'en')}`}
    headers={['Provider', 'Calls', 'Differ', 'By its prices', 'Stated']}
  >
    {report.providerCosts.map(({ provider, calls, differing, computed, stated }) => (
      <tr>
        <th scope="row">{provider}</th>
        <td>{formatCount(calls, 'en')}</td>
        <td>{formatCount(differing, 'en')}</td>
        <td>
          <Money language="en" amount={computed} />
        </td>
        <td>
          <Money language="en" amount={stated} />
        </td>
      </tr>
    ))}
  </Table>
);

const Examples: FC<{ ids: readonly string[] }> = ({ ids }) =>
  ids.length === 0 ? (
    '–'
  ) : (
    <ul>
      {ids.map((id) => (
        <li>
          <code>{id}</code>
        </li>
      ))}
    </ul>
  );

type DifferencesProps = Readonly<{ report: ParityReport; checked: readonly CheckedDifference[] }>;

/** The first prices in effect that the sources of the release's price list do not state. */
const PriceDifferenceTable: FC<DifferencesProps> = ({ report, checked }) => (
  <Table
    caption={`Prices that differ from the sources, ${formatDay(report.day, 'en')}`}
    headers={['Model', 'Rule', 'Price', 'In effect', 'Sources', 'Acknowledged']}
  >
    {checked.map(({ model, rule, field, listed, stated, acknowledgement }) => (
      <tr>
        <th scope="row">{model}</th>
        <td>{rule || '–'}</td>
        <td>{field}</td>
        <td>{listed}</td>
        <td>{stated}</td>
        <td>
          {acknowledgement === null
            ? 'no'
            : `${acknowledgement.operator}: ${acknowledgement.reason}`}
        </td>
      </tr>
    ))}
  </Table>
);

const AcknowledgeForm: FC<{ day: number }> = ({ day }) => (
  <form method="post" action="/operators/parity">
    <input type="hidden" name="day" value={String(day)} />
    <p>
      Acknowledge the differences above that are as intended. They alert again when a price in
      effect or its source changes.
    </p>
    <ReasonField />
    <p>
      <button type="submit">Acknowledge</button>
    </p>
  </form>
);

const PriceDifferences: FC<DifferencesProps & Readonly<{ mayChange: boolean }>> = (props) => {
  const hasNew = props.checked.some(({ acknowledgement }) => acknowledgement === null);
  return (
    <>
      <PriceDifferenceTable {...props} />
      {props.mayChange && hasNew && <AcknowledgeForm day={props.report.day} />}
    </>
  );
};

async function acknowledge(
  c: OperatorContext,
  report: ParityReport,
  reason: string,
): Promise<ActionOutcome> {
  const { db, now } = c.var.deps;
  const by = { operator: c.var.operator.email, reason: reason.trim(), now: now() };
  await acknowledgePrices(db, report.priceDifferences, by);
  return { ok: true, done: 'prices_acknowledged' };
}

parity.post('/operators/parity', async (c) => {
  const form = await readForm(c);
  const day = form.text('day');
  const report = /^\d{1,6}$/.test(day)
    ? await findParityReport(c.var.deps.db, Number(day))
    : undefined;
  const reason = form.text('reason');
  const outcome = await runAudited(c, {
    action: 'acknowledge_prices',
    permission: 'change_catalog',
    subject: null,
    reason,
    run: report === undefined ? undefined : () => acknowledge(c, report, reason),
  });
  if (!outcome.ok) return errorPage(c, outcome.reason);
  return c.redirect(`/operators/parity?done=${outcome.done}`, 303);
});

parity.get('/operators/parity', async (c) => {
  const view = { action: 'view_parity', permission: 'view_health', subject: null } as const;
  if (!(await auditView(c, view))) return errorPage(c, 'not_permitted');
  const reports = await listParityReports(c.var.deps.db, MAX_DAYS);
  const [latest] = reports;
  const checked = await checkAcknowledgements(c.var.deps.db, latest?.priceDifferences ?? []);
  const mayChange = c.var.operator.permissions.has('change_catalog');
  return operatorPage(
    c,
    { title: 'Parity', activePath: '/operators/parity' },
    <>
      <p>
        Each day’s bills are computed again from their metadata and the price list that each names,
        and compared with what providers say that they charged. Prices in effect are compared with
        the sources of the release’s price list.
      </p>
      <Table
        caption="Recomputed days, newest first"
        headers={[
          'Day',
          'Calls',
          'Differ',
          'Without prices',
          'Complete',
          'Price list',
          'Disputed prices',
          'Old prices',
          'First differing calls',
        ]}
      >
        {reports.map((report) => (
          <tr>
            <th scope="row">{formatDay(report.day, 'en')}</th>
            <td>{formatCount(report.calls, 'en')}</td>
            <td>{formatCount(report.differing, 'en')}</td>
            <td>{formatCount(report.skipped, 'en')}</td>
            <td>
              <Timestamp at={report.completedAt} />
            </td>
            <td>{`${report.listVersion}, sources of ${report.listDate}`}</td>
            <td>{formatCount(report.disputed, 'en')}</td>
            <td>{formatCount(report.stale, 'en')}</td>
            <td>
              <Examples ids={report.examples.slice(0, 5)} />
            </td>
          </tr>
        ))}
      </Table>
      {latest !== undefined && (
        <>
          <ProviderCostTable report={latest} />
          <PriceDifferences report={latest} checked={checked} mayChange={mayChange} />
        </>
      )}
    </>,
  );
});
