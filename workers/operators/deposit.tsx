/** One deposit in review, and the list of a key's addresses for the treasury. */
import { findInReview, listAddressesByKey } from '@farebox/database/deposits';
import { formatAddress } from '@farebox/deposits';
import { formatTokenUnits, Money } from '@farebox/design';
import { Hono } from 'hono';
import { auditView } from './audited-action.ts';
import { getAddressFamily } from './deposit-issues.ts';
import { errorPage, Fact, operatorPage, ReasonField, Timestamp } from './layout.tsx';
import type { OperatorEnv } from './operator-auth.ts';
import { DEPOSIT_STATE_LABELS, REVIEW_REASONS } from './strings.ts';

const ADDRESS_PAGE_SIZE = 5_000;

export const deposit = new Hono<OperatorEnv>();

deposit.get(
  '/operators/deposits/:chain{tron|bsc|polygon}/:hash{0x[0-9a-f]{64}}/:index{[0-9]{1,9}}',
  async (c) => {
    const { chain, hash, index } = c.req.param();
    const key = { txHash: hash, logIndex: Number(index) };
    const depositInReview = await findInReview(c.var.deps.db, chain, key);
    const subject = depositInReview?.account ?? null;
    const view = { action: 'view_deposit', permission: 'view_deposits', subject } as const;
    if (!(await auditView(c, view))) return errorPage(c, 'not_permitted');
    if (depositInReview === undefined) return errorPage(c, 'not_found');
    const decimals = c.var.deps.deposits.chains.find(({ name }) => name === chain)?.decimals;
    const family = getAddressFamily(chain);
    return operatorPage(
      c,
      { title: 'Deposit', activePath: '/operators/deposits' },
      <>
        <dl class="facts">
          <Fact name="Account">
            <a href={`/operators/accounts/${depositInReview.account}`}>{depositInReview.account}</a>
          </Fact>
          <Fact name="USDT">
            {decimals === undefined
              ? `${depositInReview.units}`
              : formatTokenUnits(depositInReview.units, decimals)}
          </Fact>
          <Fact name="Amount">
            <Money language="en" amount={depositInReview.amount} />
          </Fact>
          <Fact name="State">
            {DEPOSIT_STATE_LABELS[depositInReview.state] ?? depositInReview.state}
          </Fact>
          <Fact name="First seen">
            <Timestamp at={depositInReview.seenAt} />
          </Fact>
          <Fact name="From">
            <code>{formatAddress(family, depositInReview.sender)}</code>
          </Fact>
          <Fact name="To">
            <code>{formatAddress(family, depositInReview.recipient)}</code>
          </Fact>
          <Fact name="Transaction">
            <code>{depositInReview.txHash}</code>
          </Fact>
        </dl>
        <p>{REVIEW_REASONS[depositInReview.reason] ?? depositInReview.reason}</p>
        {depositInReview.state === 'in_review' &&
          c.var.operator.permissions.has('settle_deposits') && (
            <form method="post" action="/operators/deposits">
              <input type="hidden" name="action" value="release_deposit" />
              <input type="hidden" name="chain" value={chain} />
              <input type="hidden" name="transaction" value={hash} />
              <input type="hidden" name="index" value={index} />
              <ReasonField />
              <p>
                <button type="submit" class="danger">
                  Release deposit
                </button>
              </p>
            </form>
          )}
      </>,
    );
  },
);

/** The addresses as JSON lines for the treasury, without the accounts they belong to. */
deposit.get('/operators/deposits/addresses/:fingerprint{[0-9a-f]{16}}', async (c) => {
  const view = { action: 'list_addresses', permission: 'settle_deposits', subject: null } as const;
  if (!(await auditView(c, view))) return errorPage(c, 'not_permitted');
  const { db } = c.var.deps;
  const fingerprint = c.req.param('fingerprint');
  const rows: string[] = [];
  let after = -1;
  for (;;) {
    const page = await listAddressesByKey(db, fingerprint, after, ADDRESS_PAGE_SIZE);
    rows.push(...page.map((row) => JSON.stringify(row)));
    const last = page.at(-1);
    if (last === undefined || page.length < ADDRESS_PAGE_SIZE) break;
    after = last.index;
  }
  return c.body(`${rows.join('\n')}\n`, 200, {
    'content-type': 'application/jsonl; charset=utf-8',
    'content-disposition': `attachment; filename="addresses-${fingerprint}.jsonl"`,
    'cache-control': 'no-store',
  });
});
