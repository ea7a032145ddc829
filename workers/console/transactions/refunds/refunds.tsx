/**
 * The refund screen: what of the account's deposits can be paid back, the request, its confirmation
 * by email, and what became of earlier ones. Opening the link changes nothing, because mail scanners
 * do.
 */
import { deriveKey, keyedHash } from '@farebox/crypto';
import {
  CANCELLABLE_STATES,
  confirmRefund,
  findLinkedRefund,
  insertRefund,
  listDepositNetworks,
  listRefunds,
  moveRefund,
  type Refund,
} from '@farebox/database/refunds';
import {
  CHAINS,
  type Chain,
  checkRefundAddress,
  formatAddress,
  NETWORK_NAMES,
  REFUND_FEES,
  REFUND_STEP,
} from '@farebox/deposits';
import {
  Badge,
  type BadgeKind,
  Card,
  Field,
  formatCurrency,
  Money,
  Note,
  readForm,
  SelectField,
  Time,
} from '@farebox/design';
import type { Email } from '@farebox/mail';
import { parseTypedUsd } from '@farebox/money';
import { bytesToHex } from '@noble/hashes/utils.js';
import { type Context, Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { describeAmbiguity } from '../../ambiguous-number.ts';
import { page } from '../../layout.tsx';
import { formatExactUsd } from '../../mail/notifications.ts';
import { consumeRateLimit } from '../../rate-limit.ts';
import { sendEmailsAfterResponse } from '../../send-emails.ts';
import {
  type PageVariables,
  type PublicEnv,
  requireRecentFactor,
  requireSignIn,
  type SignedInEnv,
} from '../../session.ts';
import { rateLimitedPage } from '../../sign-in/rate-limited.tsx';
import { getDepositSettings } from '../../top-up/deps.ts';
import { formatTransactionHash, transactionLink } from '../../top-up/networks.ts';
import { REFUND_LINK_MS, releaseEnded, reserveConfirmed } from './finish-refunds.ts';

const PATH = '/refunds';
const MAX_SHOWN = 20;
const REQUESTS_PER_HOUR = { maxAttempts: 5, seconds: 3_600 };
const TOKEN = /^[0-9a-f]{64}$/;

type Texts = PageVariables['messages']['refunds'];
type Problem = keyof Texts['errors'];

function hashLink({ deps }: PageVariables, token: string): string {
  return keyedHash(deriveKey(deps.identity.secret, 'farebox console: refunds'), [token]);
}

function describeAddress({ chain, address }: Refund): string {
  return formatAddress(chain === 'tron' ? 'tron' : 'evm', address);
}

function networkName(chain: string): string {
  const known = CHAINS.find((name) => name === chain);
  return known === undefined ? chain : NETWORK_NAMES[known];
}

type RowProps = Readonly<{ refund: Refund; t: Texts; language: string; chains: readonly Chain[] }>;

/** Other states are steps on the way. */
const STATE_BADGES: Readonly<Partial<Record<Refund['state'], BadgeKind>>> = {
  requested: 'warn',
  paid: 'good',
  declined: 'bad',
  cancelled: 'neutral',
  expired: 'neutral',
};

/** Where a refund stands, its transaction, and the way to cancel it while there is one. */
const RefundState: FC<Omit<RowProps, 'language'>> = ({ refund, t, chains }) => {
  const { id, state, reason, txHash } = refund;
  const chain = chains.find(({ name }) => name === refund.chain);
  const link = chain === undefined || txHash === null ? null : transactionLink(chain, txHash);
  const shownReason = Object.entries(t.reasons).find(([word]) => word === reason)?.[1];
  const isCancellable = CANCELLABLE_STATES.includes(state);
  return (
    <>
      <Badge kind={STATE_BADGES[state] ?? 'info'}>{t.states[state]}</Badge>
      {shownReason !== undefined && <span class="second">{shownReason}</span>}
      {chain !== undefined && txHash !== null && (
        <span class="second">
          {link === null ? (
            <code class="break">{formatTransactionHash(chain, txHash)}</code>
          ) : (
            <a href={link} rel="noreferrer">
              {t.transaction}
            </a>
          )}
        </span>
      )}
      {isCancellable && (
        <form method="post" action={`${PATH}/${id}/cancel`}>
          <button type="submit" class="plain">
            {t.cancel}
          </button>
        </form>
      )}
    </>
  );
};

const RefundRow: FC<RowProps> = ({ refund, t, language, chains }) => {
  const { amount, fee, requestedAt } = refund;
  return (
    <tr>
      <th scope="row">
        <Time at={requestedAt} language={language} />
        <span class="second">{networkName(refund.chain)}</span>
        <span class="second">
          <code class="break">{describeAddress(refund)}</code>
        </span>
        <div class="phone-only">
          <RefundState refund={refund} t={t} chains={chains} />
        </div>
      </th>
      <td class="number">
        {formatCurrency(amount, language)}
        <span class="second">{t.fee(formatCurrency(fee, language))}</span>
      </td>
      <td class="from-tablet">
        <RefundState refund={refund} t={t} chains={chains} />
      </td>
    </tr>
  );
};

async function loadNetworks(c: Context<SignedInEnv>): Promise<readonly Chain[]> {
  const used = await listDepositNetworks(c.var.deps.identity.db, c.var.user.account);
  return getDepositSettings(c.env).chains.filter(({ name }) => used.includes(name));
}

type EnteredRequest = Readonly<{ network: string; address: string; amount: string }>;

type FormProps = Readonly<{
  t: Texts;
  language: string;
  networks: readonly Chain[];
  entered: EnteredRequest;
}>;

/** The form, with what was entered before: a refused request needs no second copy of an address. */
const RequestForm: FC<FormProps> = ({ t, language, networks, entered }) => (
  <Card id="request" title={t.request}>
    <form method="post" action={PATH}>
      <SelectField
        name="network"
        label={t.network}
        options={networks.map(({ name }) => ({
          value: name,
          text: `${NETWORK_NAMES[name]}, ${t.fee(formatCurrency(REFUND_FEES[name], language))}`,
          selected: name === entered.network,
        }))}
      />
      <Field
        name="address"
        label={t.address}
        hint={t.addressHint}
        value={entered.address}
        maxlength={64}
        required
        autocomplete="off"
        spellcheck={false}
      />
      <Field
        name="amount"
        label={t.amount}
        value={entered.amount}
        inputmode="decimal"
        maxlength={24}
        required
        autocomplete="off"
      />
      <p>
        <button type="submit">{t.submit}</button>
      </p>
    </form>
  </Card>
);

type TableProps = Readonly<{
  t: Texts;
  language: string;
  chains: readonly Chain[];
  earlier: readonly Refund[];
}>;

const EarlierRefunds: FC<TableProps> = ({ t, language, chains, earlier }) => (
  <Card id="earlier" title={t.earlier}>
    <table>
      <caption class="hidden-text">{t.earlier}</caption>
      <thead>
        <tr>
          <th scope="col">{t.requested}</th>
          <th scope="col" class="number">
            {t.sum}
          </th>
          <th scope="col" class="from-tablet">
            {t.state}
          </th>
        </tr>
      </thead>
      <tbody>
        {earlier.map((refund) => (
          <RefundRow refund={refund} t={t} language={language} chains={chains} />
        ))}
      </tbody>
    </table>
  </Card>
);

/** A refund that its owner confirmed and that has not ended: no other can be requested. */
function isUnderWay({ state }: Refund): boolean {
  return !['requested', 'paid', 'declined', 'cancelled', 'expired'].includes(state);
}

async function refundsPage(c: Context<SignedInEnv>, problem?: Problem, entered?: EnteredRequest) {
  const { deps, user, messages, language } = c.var;
  const t = messages.refunds;
  const [networks, refundable, earlier] = await Promise.all([
    loadNetworks(c),
    deps.accounts.refundable(user.account),
    listRefunds(deps.identity.db, user.account, MAX_SHOWN),
  ]);
  const whole = refundable - (refundable % REFUND_STEP);
  const { chains } = getDepositSettings(c.env);
  const isRequestable = networks.length > 0 && whole > 0n;
  const another = earlier.some(isUnderWay);
  const ambiguity =
    problem === 'amount' ? describeAmbiguity(entered?.amount ?? '', messages) : undefined;
  return page(
    c,
    { title: t.title, activePath: '/transactions', status: problem === undefined ? 200 : 422 },
    <>
      {c.req.query('done') === 'requested' && <Note kind="done">{t.emailSent}</Note>}
      {problem !== undefined && <Note kind="problem">{ambiguity ?? t.errors[problem]}</Note>}
      <p>{t.intro}</p>
      <p>
        {t.refundable} <Money amount={whole} language={language} />
      </p>
      {!isRequestable && (
        <p>
          {t.nothingRefundable} <a href="/transactions">{messages.nav.transactions}</a>
        </p>
      )}
      {isRequestable && another && problem !== 'open' && <p>{t.errors.open}</p>}
      {isRequestable && !another && (
        <RequestForm
          t={t}
          language={language}
          networks={networks}
          entered={entered ?? { network: '', address: '', amount: formatExactUsd(whole) }}
        />
      )}
      {earlier.length > 0 && (
        <EarlierRefunds t={t} language={language} chains={chains} earlier={earlier} />
      )}
    </>,
  );
}

export const refundRoutes = new Hono<SignedInEnv>();
refundRoutes.use(PATH, requireSignIn);
refundRoutes.use(`${PATH}/:id/cancel`, requireSignIn);
refundRoutes.get(PATH, requireRecentFactor, (c) => refundsPage(c));

/** The request in the form, or what is wrong with it. */
async function parseRequest(c: Context<SignedInEnv>, entered: EnteredRequest) {
  const { deps, user } = c.var;
  const chain = (await loadNetworks(c)).find(({ name }) => name === entered.network);
  if (chain === undefined) return 'network';
  const { blockedSenders } = getDepositSettings(c.env);
  const checked = await checkRefundAddress(
    deps.identity.db,
    blockedSenders,
    chain,
    entered.address,
  );
  if (!checked.ok) return checked.reason;
  const typed = parseTypedUsd(entered.amount);
  if (!typed.ok) return 'amount';
  const { amount } = typed;
  const fee = REFUND_FEES[chain.name];
  if (amount % REFUND_STEP !== 0n || amount <= 2n * fee) return 'amount';
  if (amount > (await deps.accounts.refundable(user.account))) return 'insufficient';
  return { chain: chain.name, address: checked.address, amount, fee };
}

refundRoutes.post(PATH, requireRecentFactor, async (c) => {
  const { deps, user } = c.var;
  const { identity } = deps;
  const tooMany = await consumeRateLimit(identity, user.account, 'refund', REQUESTS_PER_HOUR);
  if (tooMany !== undefined) return rateLimitedPage(c, tooMany, PATH);
  const form = await readForm(c);
  const entered = {
    network: form.text('network'),
    address: form.text('address'),
    amount: form.text('amount'),
  };
  const request = await parseRequest(c, entered);
  if (typeof request === 'string') return refundsPage(c, request, entered);
  const token = bytesToHex(identity.random(32));
  const row = {
    ...request,
    id: bytesToHex(identity.random(16)),
    account: user.account,
    confirmationHash: hashLink(c.var, token),
    now: identity.now(),
  };
  if (!(await insertRefund(identity.db, row))) return refundsPage(c, 'open');
  const facts = {
    token,
    amount: formatExactUsd(request.amount),
    network: NETWORK_NAMES[request.chain],
    address: formatAddress(request.chain === 'tron' ? 'tron' : 'evm', request.address),
  };
  const recipient = { to: user.email, language: user.language, account: user.account };
  const email: Email = { kind: 'confirm_refund', facts, ...recipient };
  sendEmailsAfterResponse(c, [email]);
  return c.redirect(`${PATH}?done=requested`, 303);
});

refundRoutes.post(`${PATH}/:id/cancel`, async (c) => {
  const { deps, user } = c.var;
  const { db, now } = deps.identity;
  const step = {
    id: c.req.param('id'),
    account: user.account,
    from: CANCELLABLE_STATES,
    to: 'cancelled',
    now: now(),
  } as const;
  const cancelled = await moveRefund(db, step);
  if (cancelled !== undefined) await releaseEnded(deps, cancelled);
  return c.redirect(PATH, 303);
});

/** The link in the email. It needs no session: its request needed one, and a second factor. */
export const confirmRefundRoutes = new Hono<PublicEnv>();

function toLink(c: Context<PublicEnv>, token: string) {
  return {
    confirmationHash: hashLink(c.var, token),
    requestedAfter: c.var.deps.identity.now() - REFUND_LINK_MS,
  };
}

const ToRefunds: FC<Readonly<{ t: Texts }>> = ({ t }) => (
  <p>
    <a href={PATH}>{t.title}</a>
  </p>
);

function invalidLinkPage(c: Context<PublicEnv>) {
  const { refunds: t } = c.var.messages;
  return page(
    c,
    { title: t.title, status: 422 },
    <>
      <Note kind="problem">{t.linkInvalid}</Note>
      <ToRefunds t={t} />
    </>,
  );
}

confirmRefundRoutes.get(`${PATH}/confirm`, async (c) => {
  const { messages, language, deps } = c.var;
  const t = messages.refunds;
  const done = c.req.query('done');
  if (done === 'reserved' || done === 'insufficient') {
    const kind = done === 'reserved' ? 'done' : 'problem';
    const text = done === 'reserved' ? t.confirmed : t.errors.insufficient;
    return page(
      c,
      { title: t.title },
      <>
        <Note kind={kind}>{text}</Note>
        <ToRefunds t={t} />
      </>,
    );
  }
  const token = c.req.query('token') ?? '';
  const refund = TOKEN.test(token)
    ? await findLinkedRefund(deps.identity.db, toLink(c, token))
    : undefined;
  if (refund === undefined) return invalidLinkPage(c);
  return page(
    c,
    { title: t.title },
    <form method="post" action={`${PATH}/confirm`}>
      <input type="hidden" name="token" value={token} />
      <p>{t.confirmIntro}</p>
      <p>
        <Money amount={refund.amount} language={language} />,{' '}
        {t.fee(formatCurrency(refund.fee, language))}
      </p>
      <p>
        {networkName(refund.chain)}: <code class="break">{describeAddress(refund)}</code>
      </p>
      <p>
        <button type="submit">{t.confirmSubmit}</button>
      </p>
    </form>,
  );
});

confirmRefundRoutes.post(`${PATH}/confirm`, async (c) => {
  const { identity } = c.var.deps;
  const token = (await readForm(c)).text('token');
  const refund = TOKEN.test(token)
    ? await confirmRefund(identity.db, toLink(c, token), identity.now())
    : undefined;
  if (refund === undefined) return invalidLinkPage(c);
  const isReserved = await reserveConfirmed(c.var.deps, refund);
  return c.redirect(`${PATH}/confirm?done=${isReserved ? 'reserved' : 'insufficient'}`, 303);
});
