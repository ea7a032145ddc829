/** The audit log of operators' views and actions, for admins, and its verification. */
import {
  type AuditLogCheck,
  listOperatorActions,
  verifyAuditLog,
} from '@farebox/database/operators';
import { Field, Note } from '@farebox/design';
import { logEvent } from '@farebox/telemetry';
import { Hono } from 'hono';
import { auditView } from './audited-action.ts';
import { errorPage, operatorPage, Table, Timestamp } from './layout.tsx';
import type { OperatorContext, OperatorEnv } from './operator-auth.ts';
import { AUDIT_LOG_PROBLEMS } from './strings.ts';

const PAGE_SIZE = 100;

/**
 * Verifies the audit log. A broken entry is also logged, out of reach of the person who changed the
 * table.
 */
export async function checkAuditLog(
  c: OperatorContext,
  range: Readonly<{ latest?: number }>,
): Promise<AuditLogCheck> {
  const result = await verifyAuditLog(c.var.deps.db, range);
  if (!result.ok) logEvent({ event: 'audit_log_broken', seq: result.seq, problem: result.problem });
  return result;
}

async function auditLogPage(c: OperatorContext, result?: AuditLogCheck) {
  const before = c.req.query('before') ?? '';
  const subject = c.req.query('subject') ?? '';
  const filter = /^[0-9a-f]{16}$/.test(subject) ? { subject } : {};
  const entries = await listOperatorActions(c.var.deps.db, {
    before: /^\d{1,15}$/.test(before) ? Number(before) : Number.MAX_SAFE_INTEGER,
    limit: PAGE_SIZE,
    ...filter,
  });
  const last = entries.at(-1);
  const older = new URLSearchParams({ ...filter, before: String(last?.seq ?? 0) });
  return operatorPage(
    c,
    { title: 'Audit log', activePath: '/operators/audit-log' },
    <>
      {result?.ok === true && (
        <Note kind="done">
          {`All ${result.entries} entries are intact. The last is entry ${result.lastSeq}, hash ${result.lastHash}.`}
        </Note>
      )}
      {result?.ok === false && (
        <Note kind="problem">{`Entry ${result.seq} ${AUDIT_LOG_PROBLEMS[result.problem]}.`}</Note>
      )}
      <form method="post" action="/operators/audit-log">
        <button type="submit">Verify the whole log</button>
      </form>
      <form method="get" action="/operators/audit-log">
        <Field name="subject" label="Account" value={subject} maxlength={16} />
        <button type="submit">Show</button>
      </form>
      <Table
        caption="Newest first"
        headers={['Entry', 'At', 'Operator', 'Action', 'Account', 'Reason', 'Outcome']}
      >
        {entries.map((entry) => (
          <tr>
            <th scope="row">{entry.seq}</th>
            <td>
              <Timestamp at={entry.at} />
            </td>
            <td>{entry.operator}</td>
            <td>{entry.action}</td>
            <td>{entry.subject ?? '–'}</td>
            <td>{entry.reason}</td>
            <td>{entry.outcome}</td>
          </tr>
        ))}
      </Table>
      {entries.length === PAGE_SIZE && (
        <p>
          <a href={`/operators/audit-log?${older}`}>Older</a>
        </p>
      )}
    </>,
  );
}

const VIEW = { action: 'view_audit_log', permission: 'view_audit_log', subject: null } as const;

export const auditLog = new Hono<OperatorEnv>();

auditLog.get('/operators/audit-log', async (c) => {
  return (await auditView(c, VIEW)) ? auditLogPage(c) : errorPage(c, 'not_permitted');
});

auditLog.post('/operators/audit-log', async (c) => {
  if (!(await auditView(c, VIEW))) return errorPage(c, 'not_permitted');
  return auditLogPage(c, await checkAuditLog(c, {}));
});
