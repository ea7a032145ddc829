/** How the system is, in numbers that name nobody. What is not right says so in words. */
import {
  type Health,
  openDifferences,
  readChainStates,
  readHealth,
  setAsideDeposits,
  waitingDeposits,
} from '@farebox/database';
import type { NanoUsd } from '@farebox/money';
import { Hono } from 'hono';
import type { Child, FC } from 'hono/jsx';
import { depositSettingsOf } from '../env.ts';
import { Money, Note } from '../page.tsx';
import { checkedChain } from './chain.tsx';
import { concernsOf } from './deposit-concerns.ts';
import { Fact, refusedPage, staffPage, Table, When } from './frame.tsx';
import type { Staff, StaffContext } from './staff.ts';
import { FLAWS } from './texts.ts';

/** A day of normal work; the whole chain is walked on its own page. */
const LINES_CHECKED = 2_000;
/** More than that is a number nobody needs to the unit. */
const DEPOSITS_COUNTED = 1_000;
/** The sweep ticks every five minutes; three missed ones are not chance. */
const SWEEP_LATE_MS = 20 * 60_000;
/** What Amazon SES puts an account under review for (docs.aws.amazon.com/ses, sending review process FAQs). */
const BOUNCES_TOO_MANY = 0.05;
const COMPLAINTS_TOO_MANY = 0.001;

const ENDED: ReadonlySet<string> = new Set(['delivered', 'bounced', 'complained', 'rejected']);
const FAILED: ReadonlySet<string> = new Set(['bounced', 'complained', 'rejected', 'failed']);

type Rates = Readonly<{ ended: number; bounced: number; complained: number }>;

export function ratesOf(mails: Health['mails']): Rates {
  const sum = (wanted: (state: string) => boolean): number =>
    mails.reduce((total, { state, count }) => total + (wanted(state) ? count : 0), 0);
  return {
    ended: sum((state) => ENDED.has(state)),
    bounced: sum((state) => state === 'bounced'),
    complained: sum((state) => state === 'complained'),
  };
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '–' : `${((100 * part) / whole).toFixed(2)} %`;
}

/** Each sentence is something for somebody to do. */
function concerns(health: Health, now: number): readonly string[] {
  const { sweeps, mails } = health;
  const rates = ratesOf(mails);
  const late = sweeps.latest === null || now - sweeps.latest > SWEEP_LATE_MS;
  const found: readonly (readonly [boolean, string])[] = [
    [late, 'The ledger’s sweep has not run for more than 20 minutes.'],
    [sweeps.broken > 0, 'The sweep met books that do not hold.'],
    [sweeps.unfinished > 0, 'The sweep could not meet every account.'],
    [health.mailsStuck > 0, 'Mails wait in the queue for more than ten minutes.'],
    [
      rates.bounced > rates.ended * BOUNCES_TOO_MANY,
      'More than 5 % of mails bounce: Amazon SES may stop sending.',
    ],
    [
      rates.complained > rates.ended * COMPLAINTS_TOO_MANY,
      'More than 0.1 % of mails are complained about: Amazon SES may stop sending.',
    ],
    [health.adjustments.unfinished > 0, 'Approved adjustments have not moved yet.'],
    [
      health.closing.oldest !== null && now - health.closing.oldest > 86_400_000,
      'An account was deleted more than a day ago and its object is not wiped.',
    ],
  ];
  return found.flatMap(([is, sentence]) => (is ? [sentence] : []));
}

const Numbers: FC<{ health: Health; unmatched: NanoUsd }> = ({ health, unmatched }) => {
  const { sweeps, closing, mails, shortfalls, throttles, adjustments } = health;
  const rates = ratesOf(mails);
  const facts: readonly (readonly [name: string, value: Child])[] = [
    ['Last sweep', <When at={sweeps.latest} />],
    ['Accounts met within a day', sweeps.accounts],
    ['Accounts ahead of Postgres when met', sweeps.behind],
    ['Lines not in Postgres when met', sweeps.pending],
    ['Invariants that did not hold', sweeps.broken],
    ['Accounts being deleted', closing.accounts],
    ['Mails stuck in the queue', health.mailsStuck],
    ['Bounces within a day', percent(rates.bounced, rates.ended)],
    ['Complaints within a day', percent(rates.complained, rates.ended)],
    ['Calls that cost us, within a day', shortfalls.calls],
    ['What they cost us', <Money amount={shortfalls.amount} />],
    ['Money that came in and is in no balance', <Money amount={unmatched} />],
    ['Sign-ups waiting for their mailbox', health.signUpsWaiting],
    ['Throttles counting', throttles.counters],
    ['Highest throttle', throttles.highest],
    ['Adjustments waiting for a second person', adjustments.waiting],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <Fact name={name}>{value}</Fact>
      ))}
    </dl>
  );
};

const Lists: FC<{ health: Health }> = ({ health: { mails, notices } }) => (
  <>
    <Table caption="Mails that failed, within a day" heads={['Kind', 'State', 'Mails']}>
      {mails
        .filter(({ state }) => FAILED.has(state))
        .map(({ kind, state, count }) => (
          <tr>
            <th scope="row">{kind}</th>
            <td>{state}</td>
            <td>{count}</td>
          </tr>
        ))}
    </Table>
    <Table caption="Notices to people, within a day" heads={['Kind', 'Notices']}>
      {notices.map(({ kind, count }) => (
        <tr>
          <th scope="row">{kind}</th>
          <td>{count}</td>
        </tr>
      ))}
    </Table>
  </>
);

/** What the deposits' room says too, and how much money is in no balance. */
async function depositsSaid(c: StaffContext) {
  const { db, now } = c.var.house.identity;
  const [states, setAside, differences, waiting] = await Promise.all([
    readChainStates(db),
    setAsideDeposits(db, DEPOSITS_COUNTED),
    openDifferences(db, null, DEPOSITS_COUNTED),
    waitingDeposits(db),
  ]);
  const { chains } = depositSettingsOf(c.env);
  const unmatched = waiting.reduce((sum, { amount }) => sum + amount, 0n);
  return {
    sentences: concernsOf({ chains, states, setAside, differences, now: now() }),
    unmatched,
  };
}

export const health = new Hono<Staff>();

health.get('/operators/health', async (c) => {
  if (!c.var.operator.may.has('see_health')) return refusedPage(c, 'not_permitted');
  const { db, now } = c.var.house.identity;
  const [found, deposits, chain] = await Promise.all([
    readHealth(db, now()),
    depositsSaid(c),
    checkedChain(c, { latest: LINES_CHECKED }),
  ]);
  const sentences = [...concerns(found, now()), ...deposits.sentences];
  return staffPage(
    c,
    { title: 'Health', here: '/operators/health' },
    <>
      {!chain.ok && (
        <Note kind="problem">{`Line ${chain.seq} of what operators did ${FLAWS[chain.flaw]}.`}</Note>
      )}
      {sentences.map((sentence) => (
        <Note kind="warning">{sentence}</Note>
      ))}
      {chain.ok && sentences.length === 0 && <p>Nothing here needs anybody.</p>}
      <Numbers health={found} unmatched={deposits.unmatched} />
      <Lists health={found} />
    </>,
  );
});
