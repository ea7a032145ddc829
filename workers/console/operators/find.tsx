/**
 * From what a person in need can tell to their account: the exact address, the account's id, a key's last
 * four characters or a call's id. It is posted, so that no address is ever part of a URL, and what was
 * looked for is not recorded, only how.
 */
import {
  accountOfCall,
  accountsByKeyEnding,
  findAccountCard,
  findIdentity,
} from '@farebox/database';
import type { AccountId } from '@farebox/ledger';
import { Hono } from 'hono';
import { readForm } from '../forms.ts';
import { Field, Note } from '../page.tsx';
import { mayLook } from './deeds.ts';
import { refusedPage, staffPage } from './frame.tsx';
import type { Permission } from './roles.ts';
import type { Staff, StaffContext } from './staff.ts';

const MOST_FOUND = 20;

type Wanted = Readonly<{
  how: 'by_email' | 'by_account' | 'by_call' | 'by_key_ending';
  permission: Permission;
  search: () => Promise<readonly AccountId[]>;
}>;

function listed(found: AccountId | undefined): readonly AccountId[] {
  return found === undefined ? [] : [found];
}

/** Each kind has a shape of its own; a whole key has none of them, and is nothing to paste anywhere. */
function wantedOf(c: StaffContext, text: string): Wanted | undefined {
  const { db } = c.var.house.identity;
  if (text.includes('@')) {
    const search = async () => listed((await findIdentity(db, text.toLowerCase()))?.accountId);
    return { how: 'by_email', permission: 'see_correspondence', search };
  }
  if (/^[0-9a-f]{16}$/.test(text)) {
    const search = async () => listed((await findAccountCard(db, text))?.accountId);
    return { how: 'by_account', permission: 'see_account', search };
  }
  if (/^[0-9a-f]{32}$/.test(text)) {
    const search = async () => listed(await accountOfCall(db, text));
    return { how: 'by_call', permission: 'see_account', search };
  }
  if (/^[0-9A-Za-z]{4}$/.test(text)) {
    const search = () => accountsByKeyEnding(db, text, MOST_FOUND);
    return { how: 'by_key_ending', permission: 'see_account', search };
  }
  return undefined;
}

function findPage(c: StaffContext, problem?: string, found: readonly AccountId[] = []) {
  const status = problem === undefined ? 200 : 422;
  return staffPage(
    c,
    { title: 'Find an account', here: '/operators', status },
    <>
      {found.length > 0 && (
        <>
          <p>More than one account has a key that ends so:</p>
          <ul>
            {found.map((id) => (
              <li>
                <a href={`/operators/accounts/${id}`}>{id}</a>
              </li>
            ))}
          </ul>
        </>
      )}
      {problem !== undefined && <Note kind="problem">{problem}</Note>}
      <form method="post" action="/operators/find">
        <Field
          name="what"
          label="Address, account, call, or a key’s last four characters"
          hint="The exact address; 16 hexadecimal digits of an account; 32 of a call (x-request-id). Never a whole key."
          autocomplete="off"
          required
          maxlength={254}
        />
        <button type="submit">Find</button>
      </form>
    </>,
  );
}

export const find = new Hono<Staff>();

find.get('/', (c) => c.redirect('/operators', 303));

find.get('/operators', (c) => findPage(c));

find.post('/operators/find', async (c) => {
  const wanted = wantedOf(c, (await readForm(c)).text('what').trim());
  if (wanted === undefined) return findPage(c, 'That has none of the shapes below.');
  const { how: reason, permission } = wanted;
  const [first, ...more] = c.var.operator.may.has(permission) ? await wanted.search() : [];
  const subject = more.length === 0 ? (first ?? null) : null;
  if (!(await mayLook(c, { action: 'find_account', permission, subject, reason }))) {
    return refusedPage(c, 'not_permitted');
  }
  if (first === undefined) return findPage(c, 'There is no such account.');
  if (more.length > 0) return findPage(c, undefined, [first, ...more]);
  return c.redirect(`/operators/accounts/${first}`, 303);
});
