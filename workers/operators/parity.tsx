/** The daily recomputation of bills from their metadata, against the catalog that they name. */
import { listParityReports, type ParityReport } from '@farebox/database/catalog';
import { formatDay } from '@farebox/design';
import { DAY_MS } from '@farebox/ledger';
import { Hono } from 'hono';
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
  ];
}

export const parity = new Hono<OperatorEnv>();

parity.get('/operators/parity', async (c) => {
  const view = { action: 'view_parity', permission: 'view_health', subject: null } as const;
  if (!(await auditView(c, view))) return errorPage(c, 'not_permitted');
  const reports = await listParityReports(c.var.deps.db, MAX_DAYS);
  return operatorPage(
    c,
    { title: 'Parity', activePath: '/operators/parity' },
    <>
      <p>
        Each day’s bills are computed again from their metadata and the price list that each names.
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
            <td>{report.examples.slice(0, 5).join(', ') || '–'}</td>
          </tr>
        ))}
      </Table>
    </>,
  );
});
