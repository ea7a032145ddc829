/** One deposit that was set aside, and the list of a key's addresses for the treasury. */
import { addressesOf, findSetAside } from '@farebox/database';
import { addressText } from '@farebox/deposits';
import { Hono } from 'hono';
import { depositSettingsOf } from '../env.ts';
import { Money } from '../page.tsx';
import { amountText } from '../top-up/networks.ts';
import { mayLook } from './deeds.ts';
import { familyOf } from './deposit-concerns.ts';
import { Fact, ReasonField, refusedPage, staffPage, When } from './frame.tsx';
import type { Staff } from './staff.ts';
import { DEPOSIT_WORDS, HELD_REASONS } from './texts.ts';

const ADDRESSES_A_PAGE = 5_000;

export const deposit = new Hono<Staff>();

deposit.get(
  '/operators/deposits/:chain{tron|bsc|polygon}/:hash{0x[0-9a-f]{64}}/:index{[0-9]{1,9}}',
  async (c) => {
    const { chain, hash, index } = c.req.param();
    const key = { txHash: hash, logIndex: Number(index) };
    const found = await findSetAside(c.var.house.identity.db, chain, key);
    const subject = found?.account ?? null;
    const look = { action: 'look_at_deposit', permission: 'see_deposits', subject } as const;
    if (!(await mayLook(c, look))) return refusedPage(c, 'not_permitted');
    if (found === undefined) return refusedPage(c, 'unknown');
    const decimals = depositSettingsOf(c.env).chains.find(({ name }) => name === chain)?.decimals;
    const family = familyOf(chain);
    return staffPage(
      c,
      { title: 'Deposit', here: '/operators/deposits' },
      <>
        <dl class="facts">
          <Fact name="Account">
            <a href={`/operators/accounts/${found.account}`}>{found.account}</a>
          </Fact>
          <Fact name="USDT">
            {decimals === undefined ? `${found.units}` : amountText(found.units, decimals)}
          </Fact>
          <Fact name="Worth">
            <Money amount={found.amount} />
          </Fact>
          <Fact name="State">{DEPOSIT_WORDS[found.state] ?? found.state}</Fact>
          <Fact name="Seen">
            <When at={found.seenAt} />
          </Fact>
          <Fact name="From">
            <code>{addressText(family, found.sender)}</code>
          </Fact>
          <Fact name="To">
            <code>{addressText(family, found.recipient)}</code>
          </Fact>
          <Fact name="Transaction">
            <code>{found.txHash}</code>
          </Fact>
        </dl>
        <p>{HELD_REASONS[found.reason] ?? found.reason}</p>
        {found.state === 'held' && c.var.operator.may.has('settle_deposits') && (
          <form method="post" action="/operators/deposits">
            <input type="hidden" name="deed" value="release_deposit" />
            <input type="hidden" name="chain" value={chain} />
            <input type="hidden" name="transaction" value={hash} />
            <input type="hidden" name="index" value={index} />
            <ReasonField />
            <p>
              <button type="submit" class="danger">
                Let it be credited
              </button>
            </p>
          </form>
        )}
      </>,
    );
  },
);

/** One line of JSON an address, as the treasury reads them; whose they are is not in it. */
deposit.get('/operators/deposits/addresses/:fingerprint{[0-9a-f]{16}}', async (c) => {
  const look = { action: 'list_addresses', permission: 'settle_deposits', subject: null } as const;
  if (!(await mayLook(c, look))) return refusedPage(c, 'not_permitted');
  const { db } = c.var.house.identity;
  const fingerprint = c.req.param('fingerprint');
  const lines: string[] = [];
  let after = -1;
  for (;;) {
    const page = await addressesOf(db, fingerprint, after, ADDRESSES_A_PAGE);
    lines.push(...page.map((line) => JSON.stringify(line)));
    const last = page.at(-1);
    if (last === undefined || page.length < ADDRESSES_A_PAGE) break;
    after = last.index;
  }
  return c.body(`${lines.join('\n')}\n`, 200, {
    'content-type': 'application/jsonl; charset=utf-8',
    'content-disposition': `attachment; filename="addresses-${fingerprint}.jsonl"`,
    'cache-control': 'no-store',
  });
});
