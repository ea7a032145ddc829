/**
 * The Your data screen: view, correct and delete data, change consent, complain; with all receipts.
 */
import {
  type EmailConsent,
  listConsents,
  listReceipts,
  type Receipt,
} from '@farebox/database/privacy';
import { Badge, Card, EmptyState, formatTime, Money, readForm, Time, Toast } from '@farebox/design';
import { LANGUAGE_NAMES, LANGUAGES, type Messages } from '@farebox/i18n';
import type { SessionUser } from '@farebox/identity';
import {
  CONSENT_GROUPS,
  CONSENT_KINDS,
  type ConsentKind,
  findChoice,
  isConsentGiven,
  listKindsInGroup,
} from '@farebox/mail';
import type { NanoUsd } from '@farebox/money';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import type { ConsoleDeps } from '../deps.ts';
import { page } from '../layout.tsx';
import { requireSignIn, type SignedInEnv, setLanguageCookie } from '../session.ts';
import { changeLanguage, updateConsents } from './actions.ts';
import { privacyApi } from './api.ts';
import { Contact } from './contact.tsx';
import { deleteAccountRoutes } from './delete-account.tsx';
import { storedDataRoutes } from './stored-data.tsx';

const MAX_RECEIPTS = 100;

export const privacyRoutes = new Hono<SignedInEnv>();
for (const path of ['/rights', '/rights/*']) privacyRoutes.use(path, requireSignIn);
privacyRoutes.route('/', storedDataRoutes);
privacyRoutes.route('/', deleteAccountRoutes);
privacyRoutes.route('/', privacyApi);

type LocaleProps = Readonly<{ messages: Messages; language: string }>;

const LanguageForm: FC<LocaleProps> = ({ messages, language }) => (
  <form method="post" action="/rights/language">
    <fieldset>
      <legend>{messages.privacy.language}</legend>
      {LANGUAGES.map((code) => (
        <label class="choice" lang={code}>
          <input type="radio" name="language" value={code} checked={code === language} />{' '}
          {LANGUAGE_NAMES[code]}
        </label>
      ))}
      <p>
        <button type="submit">{messages.layout.save}</button>
      </p>
    </fieldset>
  </form>
);

function consentText(
  choice: EmailConsent | undefined,
  { messages, language }: LocaleProps,
): string {
  const { notifications: t } = messages;
  if (choice === undefined) return t.isDefault;
  const since = formatTime(choice.since, language);
  return choice.given ? t.turnedOn(since) : t.turnedOff(since);
}

type ConsentProps = LocaleProps & Readonly<{ consents: readonly EmailConsent[] }>;

const ConsentForm: FC<ConsentProps & Readonly<{ kind: ConsentKind }>> = (props) => {
  const { messages, kind, consents } = props;
  const { notifications: t } = messages;
  const isOn = isConsentGiven(kind, consents);
  return (
    <li>
      <div>
        {t.consents[kind]} <Badge kind={isOn ? 'good' : 'neutral'}>{isOn ? t.on : t.off}</Badge>
        <span class="second">{consentText(findChoice(kind, consents), props)}</span>
      </div>
      <form method="post" action="/rights/consents">
        <input type="hidden" name="kind" value={kind} />
        <button
          type="submit"
          name="choice"
          value={isOn ? 'withdraw' : 'give'}
          class="plain"
          aria-label={`${isOn ? t.turnOff : t.turnOn}: ${t.consents[kind]}`}
        >
          {isOn ? t.turnOff : t.turnOn}
        </button>
      </form>
    </li>
  );
};

/** Each group of emails, followed by the kinds in it that are on or off unlike their group. */
const ConsentList: FC<ConsentProps> = (props) => {
  const kinds = CONSENT_GROUPS.flatMap((group) => {
    const isOn = isConsentGiven(group, props.consents);
    const others = listKindsInGroup(group).filter(
      (kind) => isConsentGiven(kind, props.consents) !== isOn,
    );
    return [group, ...others];
  });
  return (
    <ul class="list">
      {kinds.map((kind) => (
        <ConsentForm {...props} kind={kind} />
      ))}
    </ul>
  );
};

/** Returns the translation of a stored code, or the code itself where a newer release wrote it. */
function translateCode(translations: Readonly<Record<string, string>>, code: string): string {
  return (Object.hasOwn(translations, code) ? translations[code] : undefined) ?? code;
}

const Receipts: FC<LocaleProps & { receipts: readonly Receipt[] }> = ({
  messages,
  language,
  receipts,
}) => {
  const { privacy: t } = messages;
  if (receipts.length === 0) return <EmptyState text={t.noReceipts} />;
  return (
    <table>
      <caption class="hidden-text">{t.receipts}</caption>
      <thead>
        <tr>
          <th scope="col">{t.action}</th>
          <th scope="col" class="from-tablet">
            {t.date}
          </th>
          <th scope="col" class="from-tablet">
            {t.madeBy}
          </th>
          <th scope="col" class="from-desktop">
            {t.receipt}
          </th>
        </tr>
      </thead>
      <tbody>
        {receipts.map(({ id, kind, about, actor, at }) => (
          <tr>
            <th scope="row">
              {translateCode(t.kinds, kind)}
              {about !== null && <>: {translateCode(t.subjects, about)}</>}
              <span class="second phone-only">
                <Time at={at} language={language} /> · {translateCode(t.actors, actor)}
              </span>
            </th>
            <td class="from-tablet">
              <Time at={at} language={language} />
            </td>
            <td class="from-tablet">{translateCode(t.actors, actor)}</td>
            <td class="from-desktop">
              <code>{id}</code>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
};

const Complaint: FC<{ messages: Messages }> = ({ messages }) => (
  <>
    <h3>{messages.privacy.complainTitle}</h3>
    <p>
      {messages.privacy.complain} <a href="https://www.pdpc.gov.sg">https://www.pdpc.gov.sg</a>
    </p>
  </>
);

const DONE_CODES = ['language', 'consent'] as const;

type RightsProps = LocaleProps &
  Readonly<{ user: SessionUser; posted: NanoUsd; consents: readonly EmailConsent[] }>;

const OwnData: FC<RightsProps> = ({ user, posted, messages, language }) => {
  const { privacy: t } = messages;
  return (
    <Card id="data" title={t.dataTitle}>
      <dl class="pairs">
        <div>
          <dt>{t.email}</dt>
          <dd>
            {user.email} <a href="/security/email">{t.change}</a>
          </dd>
        </div>
        <div>
          <dt>{t.accountId}</dt>
          <dd>
            <code>{user.account}</code>
          </dd>
        </div>
        <div>
          <dt>{t.balance}</dt>
          <dd>
            <Money amount={posted} language={language} />
          </dd>
        </div>
      </dl>
      <p>
        <a class="button plain" href="/rights/data">
          {t.viewAllData}
        </a>
      </p>
    </Card>
  );
};

const Corrections: FC<RightsProps> = ({ consents, messages, language }) => {
  const { privacy: t, notifications } = messages;
  return (
    <>
      <Card id="correct" title={t.correctTitle}>
        <p class="quiet-text">{t.correctText}</p>
        <LanguageForm messages={messages} language={language} />
      </Card>
      <Card id="consents" title={t.consentsTitle}>
        <p class="quiet-text">{notifications.emailPreferencesText}</p>
        <ConsentList messages={messages} language={language} consents={consents} />
      </Card>
    </>
  );
};

const Leaving: FC<{ deps: ConsoleDeps; messages: Messages }> = ({ deps, messages }) => {
  const { privacy: t } = messages;
  return (
    <div class="columns">
      <Card id="contact" title={t.contactTitle}>
        <Contact deps={deps} messages={messages} />
        <Complaint messages={messages} />
      </Card>
      <Card id="deletion" title={t.deleteTitle}>
        <p class="quiet-text">{t.deleteShort}</p>
        <p>
          <a href="/rights/deletion">{t.deleteLink}</a>
        </p>
      </Card>
    </div>
  );
};

privacyRoutes.get('/rights', async (c) => {
  const { deps, user, messages, language } = c.var;
  const { privacy: t } = messages;
  const { db } = deps.identity;
  const [accountStatus, consents, receipts] = await Promise.all([
    deps.accounts.status(user.account),
    listConsents(db, user.account),
    listReceipts(db, user.account, MAX_RECEIPTS),
  ]);
  const done = DONE_CODES.find((code) => code === c.req.query('done'));
  const posted = accountStatus?.posted ?? 0n;
  const props = { user, posted, consents, messages, language };
  return page(
    c,
    { title: messages.nav.privacy, activePath: '/rights', wide: true },
    <>
      {done !== undefined && <Toast text={t.done[done]} closeLabel={messages.layout.close} />}
      <OwnData {...props} />
      <Corrections {...props} />
      <Card id="receipts" title={t.receipts}>
        <Receipts messages={messages} language={language} receipts={receipts} />
      </Card>
      <Leaving deps={deps} messages={messages} />
    </>,
  );
});

privacyRoutes.post('/rights/language', async (c) => {
  const { deps, user } = c.var;
  const requested = (await readForm(c)).text('language');
  const known = LANGUAGES.find((code) => code === requested);
  if (known === undefined) return c.redirect('/rights', 303);
  await changeLanguage(deps, user, known);
  setLanguageCookie(c, known);
  return c.redirect('/rights?done=language', 303);
});

privacyRoutes.post('/rights/consents', async (c) => {
  const { deps, user } = c.var;
  const form = await readForm(c);
  const kind = CONSENT_KINDS.find((known) => known === form.text('kind'));
  const choice = form.text('choice');
  if (kind === undefined || (choice !== 'give' && choice !== 'withdraw')) {
    return c.redirect('/rights', 303);
  }
  await updateConsents(deps, user, [{ kind, given: choice === 'give' }]);
  return c.redirect('/rights?done=consent', 303);
});
