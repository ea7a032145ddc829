/**
 * Topping up: the network first, then the account's own address on it, verified before each display; what
 * arrived and what became of it; and "I sent it and nothing happened". The console can show and ask; only
 * the deposits Worker can credit.
 */
import { type ChainState, type DepositRow, depositsOf, readChainStates } from '@farebox/database';
import {
  addressText,
  type Chain,
  type ClaimResult,
  type ShownAddress,
  verifiedAddress,
} from '@farebox/deposits';
import type { Texts } from '@farebox/languages';
import { type Context, Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { claimsDoorOf, depositSettingsOf, faucetOf } from '../env.ts';
import { readForm } from '../forms.ts';
import { askOutside } from '../mail/house.ts';
import { countOne } from '../once.ts';
import { Field, Money, Note, page, Time } from '../page.tsx';
import { QrCode } from '../security/qr.tsx';
import { type Somebody, signedIn } from '../visitor.ts';
import {
  amountText,
  contractLink,
  minutesToCredit,
  NETWORK_NAMES,
  transactionLink,
  walletLink,
} from './networks.ts';
import { confirmationsOf, readingOf } from './progress.ts';

const DEPOSITS_SHOWN = 50;
const FAUCET_USDT = 10;
const CLAIMS_AN_HOUR = { most: 20, seconds: 3600 };

export const topUp = new Hono<Somebody>();
for (const path of ['/top-up', '/top-up/*']) topUp.use(path, signedIn);

type Shown = Readonly<{ texts: Texts; language: string; chains: readonly Chain[] }>;

function isOpen({ providers }: Chain): boolean {
  return providers.length > 0;
}

const Networks: FC<Shown> = ({ texts, chains }) => (
  <ul>
    {chains.map((chain) => (
      <li>
        {isOpen(chain) ? (
          <a href={`/top-up/${chain.name}`}>{NETWORK_NAMES[chain.name]}</a>
        ) : (
          <>
            {NETWORK_NAMES[chain.name]}: {texts.topUp.closed}
          </>
        )}
      </li>
    ))}
  </ul>
);

function wordOf(words: Readonly<Record<string, string>>, word: string): string {
  return (Object.hasOwn(words, word) ? words[word] : undefined) ?? word;
}

const Transaction: FC<{ chain: Chain; hash: string }> = ({ chain, hash }) => {
  const link = transactionLink(chain, hash);
  const short = `${hash.slice(0, 10)}…${hash.slice(-6)}`;
  return link === null ? (
    <code>{short}</code>
  ) : (
    <a href={link} rel="noreferrer">
      <code>{short}</code>
    </a>
  );
};

/** What became of it, and while it is on its way, how far it has come. */
const State: FC<{
  texts: Texts;
  chain: Chain;
  state: ChainState | undefined;
  deposit: DepositRow;
}> = (props) => {
  const { texts, chain, state, deposit } = props;
  const { topUp: t } = texts;
  const confirmations = confirmationsOf(chain, state, deposit);
  return (
    <>
      {wordOf(t.states, deposit.state)}
      {confirmations !== null && (
        <>
          <br />
          <progress
            value={confirmations.has}
            max={confirmations.needed}
            aria-label={t.confirmations(confirmations.has, confirmations.needed)}
          />{' '}
          <small>{t.confirmations(confirmations.has, confirmations.needed)}</small>
        </>
      )}
    </>
  );
};

type Arrived = Readonly<{ deposits: readonly DepositRow[]; states: readonly ChainState[] }>;

const Deposits: FC<Shown & Arrived> = (props) => {
  const { texts, language, chains, deposits, states } = props;
  const { topUp: t } = texts;
  if (deposits.length === 0) return <p>{t.none}</p>;
  return (
    <section class="scroll" tabindex={0} aria-label={t.deposits}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t.when}</th>
            <th scope="col">{t.network}</th>
            <th scope="col">USDT</th>
            <th scope="col">{t.state}</th>
            <th scope="col">{t.credited}</th>
            <th scope="col">{t.transaction}</th>
          </tr>
        </thead>
        <tbody>
          {deposits.map((deposit) => {
            const chain = chains.find(({ name }) => name === deposit.chain);
            if (chain === undefined) return null;
            return (
              <tr>
                <td>
                  <Time at={deposit.seenAt} language={language} />
                </td>
                <td>{NETWORK_NAMES[chain.name]}</td>
                <td>{amountText(deposit.units, chain.decimals)}</td>
                <td>
                  <State
                    texts={texts}
                    chain={chain}
                    state={states.find((one) => one.chain === chain.name)}
                    deposit={deposit}
                  />
                </td>
                <td>{deposit.state === 'credited' && <Money amount={deposit.amount ?? 0n} />}</td>
                <td>
                  <Transaction chain={chain} hash={deposit.txHash} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
};

async function arrived(c: Context<Somebody>): Promise<Arrived> {
  const { house, person } = c.var;
  const { db } = house.identity;
  const [deposits, states] = await Promise.all([
    depositsOf(db, person.account, DEPOSITS_SHOWN),
    readChainStates(db),
  ]);
  return { deposits, states };
}

/** Looked for again by a script while somebody looks at it. */
const OwnDeposits: FC<Shown & Arrived> = (shown) => (
  <>
    <h2>{shown.texts.topUp.deposits}</h2>
    <div id="deposits" aria-live="polite">
      <Deposits {...shown} />
    </div>
  </>
);

const SCRIPTS = ['look-again'];

topUp.get('/top-up', async (c) => {
  const { texts, language } = c.var;
  const { chains } = depositSettingsOf(c.env);
  return page(
    c,
    { title: texts.topUp.title, here: '/top-up', scripts: SCRIPTS },
    <>
      <p>{texts.topUp.intro}</p>
      <h2>{texts.topUp.choose}</h2>
      <Networks texts={texts} language={language} chains={chains} />
      <OwnDeposits texts={texts} language={language} chains={chains} {...(await arrived(c))} />
    </>,
  );
});

/** The first and the last six told apart: what a person compares before they send. */
const Address: FC<{ text: string; label: string }> = ({ text, label }) => (
  <section class="scroll" tabindex={0} aria-label={label}>
    <output class="key">
      <strong>{text.slice(0, 6)}</strong>
      {text.slice(6, -6)}
      <strong>{text.slice(-6)}</strong>
    </output>
  </section>
);

const Facts: FC<{ texts: Texts; chain: Chain }> = ({ texts, chain }) => {
  const { topUp: t } = texts;
  const contract = addressText(chain.family, chain.token);
  const link = contractLink(chain, contract);
  const minutes = minutesToCredit(chain);
  return (
    <ul>
      <li>{t.only(NETWORK_NAMES[chain.name])}</li>
      <li>{t.minimum(amountText(chain.minimumUnits, chain.decimals))}</li>
      <li>{t.time(minutes)}</li>
      <li>
        {t.contract}{' '}
        {link === null ? (
          <code>{contract}</code>
        ) : (
          <a href={link} rel="noreferrer">
            <code>{contract}</code>
          </a>
        )}
      </li>
      <li>{t.yours}</li>
      <li>{t.fee}</li>
      <li>{t.poisoning}</li>
    </ul>
  );
};

const ClaimForm: FC<{ texts: Texts; chain: Chain; value: string; problem: string | undefined }> = (
  props,
) => {
  const { texts, chain, value, problem } = props;
  const { topUp: t } = texts;
  return (
    <>
      <h2>{t.claimTitle}</h2>
      <p>{t.claimText}</p>
      <form method="post" action={`/top-up/${chain.name}`}>
        <Field
          name="transaction"
          label={t.claimField}
          value={value}
          problem={problem}
          autocomplete="off"
          required
        />
        <p>
          <button type="submit">{t.claim}</button>
        </p>
      </form>
    </>
  );
};

type Claimed = Readonly<{ value: string; problem: string }>;

/** Verified before each display and each payment. */
function ownAddress(c: Context<Somebody>, { family }: Chain): Promise<ShownAddress> {
  const { house, person } = c.var;
  const { db, now } = house.identity;
  const { current } = depositSettingsOf(c.env);
  return verifiedAddress({ db, accounts: house.accounts, current, now }, person.account, family);
}

const Faucet: FC<{ texts: Texts; chain: Chain }> = ({ texts, chain }) => (
  <form method="post" action={`/top-up/${chain.name}/faucet`}>
    <p>{texts.topUp.faucetText}</p>
    <p>
      <button type="submit" class="plain">
        {texts.topUp.faucet(FAUCET_USDT)}
      </button>
    </p>
  </form>
);

async function networkPage(c: Context<Somebody>, chain: Chain, claimed: Claimed | null) {
  const { house, texts, language } = c.var;
  const { topUp: t } = texts;
  const deposits = depositSettingsOf(c.env);
  const name = NETWORK_NAMES[chain.name];
  const shown = await ownAddress(c, chain);
  const done = c.req.query('done') ?? '';
  const found = await arrived(c);
  const state = found.states.find((one) => one.chain === chain.name);
  const reading = readingOf(chain, state, house.identity.now());
  return page(
    c,
    { title: t.on(name), here: '/top-up', status: claimed === null ? 200 : 422, scripts: SCRIPTS },
    <>
      {done === 'claimed' && <Note kind="done">{t.claimed}</Note>}
      {done === 'paid' && <Note kind="done">{t.faucetPaid}</Note>}
      {reading !== 'well' && <Note kind="warning">{t.reading[reading]}</Note>}
      {shown.ok ? (
        <>
          <p>
            <strong>{name}</strong>
          </p>
          <Address text={shown.address.text} label={t.address} />
          <QrCode text={shown.address.text} label={t.address} />
          {chain.family === 'evm' && (
            <p>
              <a href={walletLink(chain, shown.address.text)}>{t.openInWallet}</a>
            </p>
          )}
          <Facts texts={texts} chain={chain} />
          {faucetOf(c.env) !== null && <Faucet texts={texts} chain={chain} />}
          <ClaimForm
            texts={texts}
            chain={chain}
            value={claimed?.value ?? ''}
            problem={claimed?.problem}
          />
        </>
      ) : (
        <Note kind="warning">{t.unavailable[shown.reason]}</Note>
      )}
      <p>
        <a href="/top-up">{t.otherNetwork}</a>
      </p>
      <OwnDeposits texts={texts} language={language} chains={deposits.chains} {...found} />
    </>,
  );
}

function openChain(c: Context<Somebody>): Chain | undefined {
  const name = c.req.param('chain');
  return depositSettingsOf(c.env).chains.find((chain) => chain.name === name && isOpen(chain));
}

topUp.get('/top-up/:chain', async (c) => {
  const chain = openChain(c);
  return chain === undefined ? c.notFound() : networkPage(c, chain, null);
});

function problemOf(texts: Texts, result: Extract<ClaimResult, { ok: false }>): string {
  const { topUp: t } = texts;
  if (result.reason !== 'not_final') return t.refused[result.reason];
  return t.notFinal(result.confirmations ?? 0, result.needed ?? 0);
}

topUp.post('/top-up/:chain', async (c) => {
  const chain = openChain(c);
  if (chain === undefined) return c.notFound();
  const { house, person, texts } = c.var;
  const value = (await readForm(c)).text('transaction').slice(0, 100);
  const full = await countOne(house.identity, person.account, 'claims', CLAIMS_AN_HOUR);
  if (full !== undefined) {
    const problem = texts.frame.tryLater(full.retryAfterSeconds);
    return networkPage(c, chain, { value, problem });
  }
  const result = await claimsDoorOf(c.env).claim(person.account, chain.name, value);
  if (!result.ok) return networkPage(c, chain, { value, problem: problemOf(texts, result) });
  return c.redirect(`/top-up/${chain.name}?done=claimed`, 303);
});

/** There is one on one's own machine only: elsewhere this page does not exist. */
topUp.post('/top-up/:chain/faucet', async (c) => {
  const [chain, faucet] = [openChain(c), faucetOf(c.env)];
  if (chain === undefined || faucet === null) return c.notFound();
  const shown = await ownAddress(c, chain);
  if (!shown.ok) return networkPage(c, chain, null);
  const units = BigInt(FAUCET_USDT) * 10n ** BigInt(chain.decimals);
  const wish = { chain: chain.name, to: shown.address.hex, units: units.toString() };
  const paid = await askOutside(
    new Request(faucet, { method: 'POST', body: JSON.stringify(wish) }),
  );
  return paid.ok ? c.redirect(`/top-up/${chain.name}?done=paid`, 303) : c.notFound();
});
