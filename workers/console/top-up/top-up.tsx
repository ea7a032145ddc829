/**
 * The Add credits screen: the networks, the account's deposit address on each (verified before
 * every display), the deposits and their states, and the form for a missing transfer. Only the
 * deposits Worker can credit.
 */
import { readTopUpMargin } from '@farebox/database/catalog';
import {
  type ChainState,
  type DepositRow,
  listDeposits,
  readChainStates,
} from '@farebox/database/deposits';
import { sumUsage } from '@farebox/database/statements';
import {
  type Chain,
  type ClaimResult,
  formatAddress,
  getVerifiedAddress,
  NETWORK_NAMES,
  type VerifiedAddressResult,
} from '@farebox/deposits';
import {
  Badge,
  type BadgeKind,
  Card,
  CopyButton,
  EmptyState,
  Field,
  formatCount,
  formatCurrency,
  formatRoundedCurrency,
  formatTokenAmount,
  formatTokenUnits,
  Money,
  Note,
  readForm,
  Time,
  toEpochDay,
} from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import type { NanoUsd } from '@farebox/money';
import { type Context, Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { page } from '../layout.tsx';
import { notFoundPage } from '../not-found.tsx';
import { BURN_RATE_DAYS, computeBurnRate } from '../overview/burn-rate.ts';
import { consumeRateLimit } from '../rate-limit.ts';
import { QrCode } from '../security/qr.tsx';
import { requireSignIn, type SignedInEnv } from '../session.ts';
import { countConfirmations, listNetworks, type Network } from './confirmations.ts';
import { getClaimsRpc, getDepositSettings, getFaucetUrl } from './deps.ts';
import { NetworkList } from './network-list.tsx';
import {
  contractLink,
  formatTransactionHash,
  minutesToCredit,
  transactionLink,
  walletLink,
} from './networks.ts';

const MAX_DEPOSITS = 50;
const FAUCET_USDT = 10;
const CLAIMS_PER_HOUR = { maxAttempts: 20, seconds: 3600 };

export const topUpRoutes = new Hono<SignedInEnv>();
for (const path of ['/top-up', '/top-up/*']) topUpRoutes.use(path, requireSignIn);

type TopUpProps = Readonly<{ messages: Messages; language: string; chains: readonly Chain[] }>;

function findText(texts: Readonly<Record<string, string>>, code: string): string | undefined {
  return Object.hasOwn(texts, code) ? texts[code] : undefined;
}

const Transaction: FC<{ chain: Chain; hash: string }> = ({ chain, hash }) => {
  const link = transactionLink(chain, hash);
  const text = formatTransactionHash(chain, hash);
  const abbreviated = `${text.slice(0, 8)}…${text.slice(-6)}`;
  return link === null ? (
    <code>{abbreviated}</code>
  ) : (
    <a class="nowrap" href={link} rel="noreferrer">
      <code>{abbreviated}</code>
    </a>
  );
};

const STATE_BADGES: Readonly<Record<string, BadgeKind>> = {
  pending: 'info',
  final: 'info',
  credited: 'good',
  dust: 'warn',
  in_review: 'warn',
  closed: 'bad',
};

/** The state of a deposit, with its confirmations while it is pending. */
const DepositState: FC<{
  messages: Messages;
  chain: Chain;
  state: ChainState | undefined;
  deposit: DepositRow;
}> = (props) => {
  const { messages, chain, state, deposit } = props;
  const { topUp: t } = messages;
  const confirmations = countConfirmations(chain, state, deposit);
  const note = findText(t.stateNotes, deposit.state);
  const kind = Object.hasOwn(STATE_BADGES, deposit.state) ? STATE_BADGES[deposit.state] : undefined;
  return (
    <>
      <Badge kind={kind ?? 'neutral'}>{findText(t.states, deposit.state) ?? deposit.state}</Badge>
      {note !== undefined && <span class="second">{note}</span>}
      {confirmations !== null && (
        <span class="second">
          <progress
            value={confirmations.current}
            max={confirmations.required}
            aria-label={t.confirmations(confirmations.current, confirmations.required)}
          />{' '}
          {t.confirmations(confirmations.current, confirmations.required)}
        </span>
      )}
    </>
  );
};

type DepositData = Readonly<{
  deposits: readonly DepositRow[];
  states: readonly ChainState[];
  networks: readonly Network[];
  /** The margin on top-ups, in basis points. */
  marginBasisPoints: number;
  /** The mean spending of the last full days. */
  perDay: NanoUsd;
}>;

/** What a deposit added to the balance, and the margin that it left out. */
const DepositCredit: FC<
  Readonly<{ messages: Messages; language: string; deposit: DepositRow }>
> = ({ messages, language, deposit: { state, amount, fee } }) => (
  <>
    {state === 'credited' ? <Money amount={amount ?? 0n} language={language} /> : '–'}
    {fee > 0n && <span class="second">{messages.topUp.fee(formatCurrency(fee, language))}</span>}
  </>
);

const DepositTableRow: FC<TopUpProps & DepositData & Readonly<{ deposit: DepositRow }>> = (
  props,
) => {
  const { messages, language, chains, deposit, states } = props;
  const chain = chains.find(({ name }) => name === deposit.chain);
  if (chain === undefined) return null;
  return (
    <tr>
      <th scope="row">
        {`${formatTokenAmount(deposit.units, chain.decimals, language)} USDT`}
        <span class="second">
          {NETWORK_NAMES[chain.name]}
          <span class="phone-only">
            {' · '}
            <Time at={deposit.seenAt} language={language} />
          </span>
        </span>
      </th>
      <td>
        <DepositState
          messages={messages}
          chain={chain}
          state={states.find((one) => one.chain === chain.name)}
          deposit={deposit}
        />
        {deposit.state === 'credited' && (
          <span class="second phone-only">
            <DepositCredit deposit={deposit} messages={messages} language={language} />
          </span>
        )}
      </td>
      <td class="from-tablet">
        <Time at={deposit.seenAt} language={language} />
      </td>
      <td class="from-desktop">
        <Transaction chain={chain} hash={deposit.txHash} />
      </td>
      <td class="number from-tablet">
        <DepositCredit deposit={deposit} messages={messages} language={language} />
      </td>
    </tr>
  );
};

const DepositTable: FC<TopUpProps & DepositData> = (props) => {
  const { messages, deposits } = props;
  const { topUp: t } = messages;
  if (deposits.length === 0) return <EmptyState text={t.noDeposits} />;
  return (
    <table>
      <caption class="hidden-text">{t.deposits}</caption>
      <thead>
        <tr>
          <th scope="col">USDT</th>
          <th scope="col">{t.state}</th>
          <th scope="col" class="from-tablet">
            {t.detectedAt}
          </th>
          <th scope="col" class="from-desktop">
            {t.transaction}
          </th>
          <th scope="col" class="number from-tablet">
            {t.credited}
          </th>
        </tr>
      </thead>
      <tbody>
        {deposits.map((deposit) => (
          <DepositTableRow {...props} deposit={deposit} />
        ))}
      </tbody>
    </table>
  );
};

async function loadDeposits(c: Context<SignedInEnv>): Promise<DepositData> {
  const { deps, user } = c.var;
  const { db, now } = deps.identity;
  const today = toEpochDay(now());
  const [deposits, states, marginBasisPoints, days] = await Promise.all([
    listDeposits(db, user.account, MAX_DEPOSITS),
    readChainStates(db),
    readTopUpMargin(db, now()),
    sumUsage(db, user.account, { from: today - BURN_RATE_DAYS, to: today }, 'day'),
  ]);
  const { perDay } = computeBurnRate(days, today, 0n);
  const networks = listNetworks(getDepositSettings(c.env).chains, states, now());
  return { deposits, states, networks, marginBasisPoints, perDay };
}

/** Refreshed by a script while the page is visible. */
const LiveDeposits: FC<TopUpProps & DepositData> = (props) => (
  <Card
    id="deposit-list"
    title={props.messages.topUp.deposits}
    actions={<a href="/transactions">{props.messages.nav.transactions}</a>}
  >
    <div id="deposits" aria-live="polite">
      <DepositTable {...props} />
    </div>
  </Card>
);

const EXAMPLE_USD = [20n, 50n, 200n];
const NANO = 1_000_000_000n;
const YEAR_DAYS = 366n;

/** How long some amounts last at the spending of the last full days. */
const Examples: FC<{ messages: Messages; language: string; perDay: NanoUsd }> = (props) => {
  const { messages, language, perDay } = props;
  const { overview, topUp: t } = messages;
  if (perDay === 0n) return null;
  return (
    <dl class="pairs">
      {EXAMPLE_USD.map((usd) => {
        const days = (usd * NANO) / perDay;
        return (
          <div>
            <dt>{t.lasts(formatRoundedCurrency(usd * NANO, language))}</dt>
            <dd>
              {days > YEAR_DAYS
                ? overview.runwayOverYear
                : overview.runwayDays(formatCount(days, language))}
            </dd>
          </div>
        );
      })}
    </dl>
  );
};

/** What happens with a deposit, from the transfer to the balance. */
const DepositSteps: FC<{ messages: Messages; language: string; perDay: NanoUsd }> = (props) => {
  const { topUp: t } = props.messages;
  return (
    <Card id="steps" title={t.whatHappens}>
      <ol class="steps">
        {t.steps.map(({ title, text }) => (
          <li>
            <strong>{title}</strong>
            <span class="quiet-text">{text}</span>
          </li>
        ))}
      </ol>
      <Examples {...props} />
    </Card>
  );
};

const SCRIPTS = ['auto-refresh'];
const ADDRESS_SCRIPTS = [...SCRIPTS, 'copy'];

topUpRoutes.get('/top-up', async (c) => {
  const { messages, language } = c.var;
  const { topUp: t } = messages;
  const { chains } = getDepositSettings(c.env);
  const props = { messages, language, chains };
  const deposits = await loadDeposits(c);
  return page(
    c,
    { title: messages.nav.topUp, activePath: '/top-up', wide: true, scripts: SCRIPTS },
    <>
      <div class="columns uneven">
        <Card id="send" title={t.chooseNetwork}>
          <p>{t.intro}</p>
          <NetworkList messages={messages} networks={deposits.networks} />
        </Card>
        <DepositSteps {...props} perDay={deposits.perDay} />
      </div>
      <LiveDeposits {...props} {...deposits} />
    </>,
  );
});

/** Emphasizes the first and last six characters, which users compare before sending. */
const DepositAddress: FC<{ messages: Messages; text: string }> = ({ messages, text }) => {
  const { topUp: t } = messages;
  return (
    <>
      <output id="deposit-address" class="key">
        <strong>{text.slice(0, 6)}</strong>
        {text.slice(6, -6)}
        <strong>{text.slice(-6)}</strong>
      </output>
      <p>
        <CopyButton source="deposit-address" label={t.copyAddress} copied={t.addressCopied} />
      </p>
    </>
  );
};

/**
 * The token's contract, abbreviated and folded away: tokens sent to a contract are lost, so it must
 * not look like an address to send to.
 */
const TokenContract: FC<{ messages: Messages; chain: Chain }> = ({ messages, chain }) => {
  const { topUp: t } = messages;
  const contract = formatAddress(chain.family, chain.token);
  const link = contractLink(chain, contract);
  const abbreviated = `${contract.slice(0, 6)}…${contract.slice(-4)}`;
  return (
    <details>
      <summary>{t.contract}</summary>
      <p>{t.contractNote}</p>
      <p>
        {abbreviated}{' '}
        {link !== null && (
          <a href={link} rel="noreferrer">
            {t.contractLink}
          </a>
        )}
      </p>
    </details>
  );
};

const NetworkDetails: FC<{ messages: Messages; chain: Chain; marginBasisPoints: number }> = ({
  messages,
  chain,
  marginBasisPoints,
}) => {
  const { topUp: t } = messages;
  const minutes = minutesToCredit(chain);
  return (
    <ul class="quiet-text">
      <li>
        <strong>{t.onlyToken(NETWORK_NAMES[chain.name])}</strong>
      </li>
      <li>{t.minimum(formatTokenUnits(chain.minimumUnits, chain.decimals))}</li>
      {marginBasisPoints > 0 && <li>{t.platformFee(String(marginBasisPoints / 100))}</li>}
      <li>{t.creditTime(minutes)}</li>
      <li>{t.addressNote}</li>
      <li>{t.exchangeFee}</li>
      <li>{t.addressPoisoning}</li>
    </ul>
  );
};

const ClaimForm: FC<{
  messages: Messages;
  chain: Chain;
  value: string;
  problem: string | undefined;
}> = (props) => {
  const { messages, chain, value, problem } = props;
  const { topUp: t } = messages;
  return (
    <details open={problem !== undefined}>
      <summary>{t.claimTitle}</summary>
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
          <button type="submit" class="plain">
            {t.claim}
          </button>
        </p>
      </form>
    </details>
  );
};

type RejectedClaim = Readonly<{ value: string; problem: string }>;

/** Verifies the address; called before each display and each faucet payment. */
function loadDepositAddress(
  c: Context<SignedInEnv>,
  { family }: Chain,
): Promise<VerifiedAddressResult> {
  const { deps, user } = c.var;
  const { db, now } = deps.identity;
  const { currentKeys: current } = getDepositSettings(c.env);
  return getVerifiedAddress(
    { db, accounts: deps.accounts, currentKeys: current, now },
    user.account,
    family,
  );
}

const Faucet: FC<{ messages: Messages; chain: Chain }> = ({ messages, chain }) => (
  <form method="post" action={`/top-up/${chain.name}/faucet`}>
    <p>{messages.topUp.faucetText}</p>
    <p>
      <button type="submit" class="plain">
        {messages.topUp.faucet(FAUCET_USDT)}
      </button>
    </p>
  </form>
);

type NetworkPanelProps = TopUpProps &
  Readonly<{
    chain: Chain;
    verified: VerifiedAddressResult;
    marginBasisPoints: number;
    hasFaucet: boolean;
    rejectedClaim: RejectedClaim | null;
  }>;

/** The address on one network with everything to know before sending. */
const NetworkPanel: FC<NetworkPanelProps> = (props) => {
  const { messages, chain, verified, marginBasisPoints, hasFaucet, rejectedClaim } = props;
  const { topUp: t } = messages;
  if (!verified.ok) return <Note kind="warning">{t.addressErrors[verified.reason]}</Note>;
  const { text } = verified.address;
  return (
    <>
      <div class="address">
        <QrCode text={text} label={t.address} />
        <div class="stack">
          <p class="label">{`${t.address}: ${NETWORK_NAMES[chain.name]}`}</p>
          <DepositAddress messages={messages} text={text} />
          {chain.family === 'evm' && (
            <p>
              <a href={walletLink(chain, text)}>{t.openInWallet}</a>
            </p>
          )}
          <NetworkDetails messages={messages} chain={chain} marginBasisPoints={marginBasisPoints} />
        </div>
      </div>
      <TokenContract messages={messages} chain={chain} />
      <ClaimForm
        messages={messages}
        chain={chain}
        value={rejectedClaim?.value ?? ''}
        problem={rejectedClaim?.problem}
      />
      {hasFaucet && <Faucet messages={messages} chain={chain} />}
    </>
  );
};

async function networkPage(
  c: Context<SignedInEnv>,
  chain: Chain,
  rejectedClaim: RejectedClaim | null,
) {
  const { messages, language } = c.var;
  const { topUp: t } = messages;
  const { chains } = getDepositSettings(c.env);
  const [verified, depositData] = await Promise.all([
    loadDepositAddress(c, chain),
    loadDeposits(c),
  ]);
  const done = c.req.query('done') ?? '';
  const { networks } = depositData;
  const status = networks.find((network) => network.chain.name === chain.name)?.status;
  const props = { messages, language, chains };
  return page(
    c,
    {
      title: t.networkTitle(NETWORK_NAMES[chain.name]),
      activePath: '/top-up',
      wide: true,
      status: rejectedClaim === null ? 200 : 422,
      scripts: ADDRESS_SCRIPTS,
    },
    <>
      {done === 'claimed' && <Note kind="done">{t.claimed}</Note>}
      {done === 'paid' && <Note kind="done">{t.faucetPaid}</Note>}
      {(status === 'delayed' || status === 'halted') && (
        <Note kind="warning">{t.networkStatus[status]}</Note>
      )}
      <div class="columns uneven">
        <Card id="send" title={status === 'halted' ? t.chooseNetwork : t.sendTitle}>
          <NetworkList messages={messages} networks={networks} current={chain} />
          {/* Nobody should send to an address whose deposits wait until an operator resumes them. */}
          {status !== 'halted' && (
            <NetworkPanel
              {...props}
              chain={chain}
              verified={verified}
              marginBasisPoints={depositData.marginBasisPoints}
              hasFaucet={getFaucetUrl(c.env) !== null}
              rejectedClaim={rejectedClaim}
            />
          )}
        </Card>
        <DepositSteps {...props} perDay={depositData.perDay} />
      </div>
      <LiveDeposits {...props} {...depositData} />
    </>,
  );
}

function findOpenChain(c: Context<SignedInEnv>): Chain | undefined {
  const name = c.req.param('chain');
  return getDepositSettings(c.env).chains.find(
    (chain) => chain.name === name && chain.providers.length > 0,
  );
}

topUpRoutes.get('/top-up/:chain', async (c) => {
  const chain = findOpenChain(c);
  return chain === undefined ? notFoundPage(c) : networkPage(c, chain, null);
});

function claimErrorMessage(
  messages: Messages,
  result: Extract<ClaimResult, { ok: false }>,
): string {
  const { topUp: t } = messages;
  if (result.reason !== 'not_final') return t.claimErrors[result.reason];
  return t.claimUnconfirmed(result.confirmations ?? 0, result.requiredConfirmations ?? 0);
}

topUpRoutes.post('/top-up/:chain', async (c) => {
  const chain = findOpenChain(c);
  if (chain === undefined) return notFoundPage(c);
  const { deps, user, messages } = c.var;
  const value = (await readForm(c)).text('transaction').slice(0, 100);
  const rateLimited = await consumeRateLimit(
    deps.identity,
    user.account,
    'claims',
    CLAIMS_PER_HOUR,
  );
  if (rateLimited !== undefined) {
    const problem = messages.layout.tooManyAttempts(rateLimited.retryAfterSeconds);
    return networkPage(c, chain, { value, problem });
  }
  const result = await getClaimsRpc(c.env).claim(user.account, chain.name, value);
  if (!result.ok)
    return networkPage(c, chain, { value, problem: claimErrorMessage(messages, result) });
  return c.redirect(`/top-up/${chain.name}?done=claimed`, 303);
});

/** Answers 404 outside local development, where there is no faucet. */
topUpRoutes.post('/top-up/:chain/faucet', async (c) => {
  const [chain, faucet] = [findOpenChain(c), getFaucetUrl(c.env)];
  if (chain === undefined || faucet === null) return notFoundPage(c);
  const verified = await loadDepositAddress(c, chain);
  if (!verified.ok) return networkPage(c, chain, null);
  const units = BigInt(FAUCET_USDT) * 10n ** BigInt(chain.decimals);
  const faucetRequest = { chain: chain.name, to: verified.address.hex, units: units.toString() };
  const paid = await globalThis.fetch(
    new Request(faucet, { method: 'POST', body: JSON.stringify(faucetRequest) }),
  );
  return paid.ok ? c.redirect(`/top-up/${chain.name}?done=paid`, 303) : notFoundPage(c);
});
