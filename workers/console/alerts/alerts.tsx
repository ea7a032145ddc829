/**
 * What a person is told and by which mail: the low-balance threshold (which the account's own object
 * keeps), consents to mail one can do without, each with a receipt, and the open notices.
 */
import {
  chooseMail,
  dismissNotice,
  listKeys,
  type MailChoice,
  mailChoices,
  openNotices,
} from '@farebox/database';
import type { Texts } from '@farebox/languages';
import { CONSENT_KINDS, type ConsentKind, GIVEN_BY_DEFAULT } from '@farebox/mail';
import { formatUsd, LARGEST_AMOUNT, type NanoUsd, parseUsd } from '@farebox/money';
import { bytesToHex } from '@noble/hashes/utils.js';
import { type Context, Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { readForm } from '../forms.ts';
import { Field, Note, page, timeText } from '../page.tsx';
import { type Somebody, signedIn } from '../visitor.ts';
import { Notices } from './notices.tsx';

const MOST_NOTICES = 100;

type Reader = Readonly<{ texts: Texts; language: string }>;

const Threshold: FC<Reader & Readonly<{ value: string; problem: string | undefined }>> = (
  props,
) => {
  const { texts, value, problem } = props;
  return (
    <form method="post" action="/alerts/low-balance">
      <Field
        name="threshold"
        label={texts.alerts.threshold}
        hint={texts.alerts.thresholdHint}
        value={value}
        problem={problem}
        inputmode="decimal"
        maxlength={20}
        autocomplete="off"
      />
      <button type="submit">{texts.frame.save}</button>
    </form>
  );
};

function choiceText(choice: MailChoice | undefined, { texts, language }: Reader): string {
  const { alerts } = texts;
  if (choice === undefined) return alerts.byDefault;
  const since = timeText(choice.since, language);
  return choice.given ? alerts.given(since) : alerts.withdrawn(since);
}

const Consent: FC<Reader & Readonly<{ kind: ConsentKind; choice: MailChoice | undefined }>> = (
  props,
) => {
  const { kind, choice, texts } = props;
  const { alerts } = texts;
  const on = choice?.given ?? GIVEN_BY_DEFAULT[kind];
  return (
    <form method="post" action="/alerts/consent">
      <fieldset>
        <legend>{alerts.consents[kind]}</legend>
        <input type="hidden" name="kind" value={kind} />
        <p>
          <strong>{on ? alerts.on : alerts.off}.</strong> {choiceText(choice, props)}
        </p>
        {on ? (
          <button type="submit" name="choice" value="withdraw" class="plain">
            {alerts.withdraw}
          </button>
        ) : (
          <button type="submit" name="choice" value="give">
            {alerts.give}
          </button>
        )}
      </fieldset>
    </form>
  );
};

const DONE = {
  saved: (texts: Texts) => texts.frame.saved,
  consent: (texts: Texts) => texts.alerts.consentSaved,
  dismissed: (texts: Texts) => texts.alerts.dismissed,
} as const;

function doneText(word: string | undefined, texts: Texts): string | undefined {
  if (word === 'saved' || word === 'consent' || word === 'dismissed') return DONE[word](texts);
  return undefined;
}

type Typed = Readonly<{ value: string; problem: string }>;

async function alertsPage(c: Context<Somebody>, typed?: Typed): Promise<Response> {
  const { house, person, texts, language } = c.var;
  const { db } = house.identity;
  const { account } = person;
  const [standing, choices, notices, keys] = await Promise.all([
    house.accounts.standing(account),
    mailChoices(db, account),
    openNotices(db, account, MOST_NOTICES),
    listKeys(db, account),
  ]);
  const low = standing?.lowBalance ?? null;
  const reader = { texts, language };
  const done = typed === undefined ? doneText(c.req.query('done'), texts) : undefined;
  return page(
    c,
    { title: texts.frame.alerts, here: '/alerts', status: typed === undefined ? 200 : 422 },
    <>
      {done !== undefined && <Note kind="done">{done}</Note>}
      <h2>{texts.alerts.notices}</h2>
      {notices.length === 0 ? (
        <p>{texts.alerts.none}</p>
      ) : (
        <Notices {...reader} notices={notices} keys={keys} back="/alerts" />
      )}
      <h2>{texts.alerts.low}</h2>
      <p>{texts.alerts.lowText}</p>
      <Threshold
        {...reader}
        value={typed?.value ?? (low === null ? '' : formatUsd(low))}
        problem={typed?.problem}
      />
      <h2>{texts.alerts.mail}</h2>
      <p>{texts.alerts.mailText}</p>
      {CONSENT_KINDS.map((kind) => (
        <Consent {...reader} kind={kind} choice={choices.find((one) => one.kind === kind)} />
      ))}
    </>,
  );
}

/** Undefined where it is no amount; null switches the alert off. A comma is a point in half the world. */
function readThreshold(text: string): NanoUsd | null | undefined {
  const clean = text.trim().replace(',', '.');
  if (clean === '') return null;
  const amount = parseUsd(clean);
  if (amount === undefined || amount > LARGEST_AMOUNT) return undefined;
  return amount === 0n ? null : amount;
}

export const alerts = new Hono<Somebody>();
for (const path of ['/alerts', '/alerts/*']) alerts.use(path, signedIn);

alerts.get('/alerts', (c) => alertsPage(c));

alerts.post('/alerts/low-balance', async (c) => {
  const value = (await readForm(c)).text('threshold');
  const threshold = readThreshold(value);
  if (threshold === undefined) {
    return alertsPage(c, { value, problem: c.var.texts.alerts.thresholdBad });
  }
  await c.var.house.accounts.setLowBalance(c.var.person.account, threshold);
  return c.redirect('/alerts?done=saved', 303);
});

alerts.post('/alerts/consent', async (c) => {
  const form = await readForm(c);
  const kind = CONSENT_KINDS.find((known) => known === form.text('kind'));
  const choice = form.text('choice');
  if (kind === undefined || (choice !== 'give' && choice !== 'withdraw')) {
    return c.redirect('/alerts', 303);
  }
  const { identity } = c.var.house;
  await chooseMail(identity.db, {
    account: c.var.person.account,
    kind,
    given: choice === 'give',
    receiptId: bytesToHex(identity.random(16)),
    now: identity.now(),
  });
  return c.redirect('/alerts?done=consent', 303);
});

alerts.post('/alerts/dismiss', async (c) => {
  const form = await readForm(c);
  const { identity } = c.var.house;
  const id = form.text('id');
  // As long as the column is; anything else names nothing.
  if (/^[!-~]{1,64}$/.test(id)) {
    await dismissNotice(identity.db, c.var.person.account, id, identity.now());
  }
  return c.redirect(form.text('back') === '/' ? '/' : '/alerts?done=dismissed', 303);
});
