/** Parity: bills against the catalog that they name, costs that providers state, and sources. */
import { listParityReports, type ParityReport } from '@farebox/database/catalog';
import { formatDay, Money } from '@farebox/design';
import { DAY_MS } from '@farebox/ledger';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { auditView } from './audited-action.ts';
import { errorPage, operatorPage, Table, Timestamp } from './layout.tsx';
import type { OperatorEnv } from './operator-auth.ts';

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
      ? [`${latest.differing} bills of the last recomputed day differ from their prices.`]
      : []),
    ...latest.providerCosts
      .filter(({ differing }) => differing > 0)
      .map(
        ({ provider, differing, calls }) =>
          `${provider} stated another cost than its prices give for ${differing} of ${calls} calls.`,
      ),
    ...(latest.differingPrices > 0
      ? [`${latest.differingPrices} prices in effect differ from the sources of the price list.`]
      : []),
  ];
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
        <td>{calls}</td>
        <td>{differing}</td>
        <td>
          <Money amount={computed} />
        </td>
        <td>
          <Money amount={stated} />
        </td>
      </tr>
    ))}
  </Table>
);

/** The first prices in effect that the sources of the release's price list do not state. */
const PriceDifferenceTable: FC<Readonly<{ report: ParityReport }>> = ({ report }) => (
  <Table
    caption={`Prices that differ from the sources, ${formatDay(report.day, 'en')}`}
    headers={['Model', 'Rule', 'Price', 'In effect', 'Sources']}
  >
    {report.priceDifferences.map(({ model, rule, field, listed, stated }) => (
      <tr>
        <th scope="row">{model}</th>
        <td>{rule || '–'}</td>
        <td>{field}</td>
        <td>{listed}</td>
        <td>{stated}</td>
      </tr>
    ))}
  </Table>
);

parity.get('/operators/parity', async (c) => {
  const view = { action: 'view_parity', permission: 'view_health', subject: null } as const;
  if (!(await auditView(c, view))) return errorPage(c, 'not_permitted');
  const reports = await listParityReports(c.var.deps.db, MAX_DAYS);
  const [latest] = reports;
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
            <td>{report.calls}</td>
            <td>{report.differing}</td>
            <td>{report.skipped}</td>
            <td>
              <Timestamp at={report.completedAt} />
            </td>
            <td>{`${report.listVersion}, sources of ${report.listDate}`}</td>
            <td>{report.disputed}</td>
            <td>{report.stale}</td>
            <td>{report.examples.slice(0, 5).join(', ') || '–'}</td>
          </tr>
        ))}
      </Table>
      {latest !== undefined && (
        <>
          <ProviderCostTable report={latest} />
          <PriceDifferenceTable report={latest} />
        </>
      )}
    </>,
  );
});
