/**
 * Finds an account by what a customer can tell support: the exact email address, the account id, a
 * key's last four characters, or a call id. The query is posted, so that no address is part of a
 * URL. The audit log records how an account was searched for, never the query.
 */
import {
  findAccountByCall,
  findAccountByEmail,
  findAccountSummary,
  findAccountsByKeyEnding,
} from '@farebox/database/operators';
import { Field, Note, readForm } from '@farebox/design';
import type { AccountId } from '@farebox/ledger';
import { Hono } from 'hono';
import { auditView } from './audited-action.ts';
import { errorPage, operatorPage } from './layout.tsx';
import type { OperatorContext, OperatorEnv } from './operator-auth.ts';
import type { Permission } from './roles.ts';

const MAX_RESULTS = 20;

type AccountQuery = Readonly<{
  method: 'by_email' | 'by_account' | 'by_call' | 'by_key_last4';
  permission: Permission;
  search: () => Promise<readonly AccountId[]>;
}>;

function toList(accountId: AccountId | undefined): readonly AccountId[] {
  return accountId === undefined ? [] : [accountId];
}

/** Each kind of query has a distinct shape. A whole key matches none: it should never be pasted. */
function parseQuery(c: OperatorContext, text: string): AccountQuery | undefined {
  const { db } = c.var.deps;
  if (text.includes('@')) {
    const search = async () => toList(await findAccountByEmail(db, text.toLowerCase()));
    return { method: 'by_email', permission: 'view_communication', search };
  }
  if (/^[0-9a-f]{16}$/.test(text)) {
    const search = async () => toList((await findAccountSummary(db, text))?.accountId);
    return { method: 'by_account', permission: 'view_account', search };
  }
  if (/^[0-9a-f]{32}$/.test(text)) {
    const search = async () => toList(await findAccountByCall(db, text));
    return { method: 'by_call', permission: 'view_account', search };
  }
  if (/^[0-9A-Za-z]{4}$/.test(text)) {
    const search = () => findAccountsByKeyEnding(db, text, MAX_RESULTS);
    return { method: 'by_key_last4', permission: 'view_account', search };
  }
  return undefined;
}

function searchPage(c: OperatorContext, problem?: string, accountIds: readonly AccountId[] = []) {
  const status = problem === undefined ? 200 : 422;
  return operatorPage(
    c,
    { title: 'Find an account', activePath: '/operators', status },
    <>
      {accountIds.length > 0 && (
        <>
          <p>Several accounts have a key that ends with these characters:</p>
          <ul>
            {accountIds.map((id) => (
              <li>
                <a href={`/operators/accounts/${id}`}>{id}</a>
              </li>
            ))}
          </ul>
        </>
      )}
      {problem !== undefined && <Note kind="problem">{problem}</Note>}
      <form method="post" action="/operators/search">
        <Field
          name="query"
          label="Email, account, call, or a key’s last four characters"
          hint="The exact email address, an account id (16 hexadecimal digits) or a call id (x-request-id, 32 digits). Never enter a whole key."
          autocomplete="off"
          required
          maxlength={254}
        />
        <button type="submit">Find</button>
      </form>
    </>,
  );
}

export const accountSearch = new Hono<OperatorEnv>();

accountSearch.get('/', (c) => c.redirect('/operators', 303));

accountSearch.get('/operators', (c) => searchPage(c));

accountSearch.post('/operators/search', async (c) => {
  const query = parseQuery(c, (await readForm(c)).text('query').trim());
  if (query === undefined)
    return searchPage(
      c,
      'Enter an email address, an account id, a call id, or the last four characters of a key.',
    );
  const { method: reason, permission } = query;
  const [first, ...more] = c.var.operator.permissions.has(permission) ? await query.search() : [];
  const subject = more.length === 0 ? (first ?? null) : null;
  if (!(await auditView(c, { action: 'find_account', permission, subject, reason }))) {
    return errorPage(c, 'not_permitted');
  }
  if (first === undefined) return searchPage(c, 'No account found.');
  if (more.length > 0) return searchPage(c, undefined, [first, ...more]);
  return c.redirect(`/operators/accounts/${first}`, 303);
});
