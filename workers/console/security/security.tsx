/**
 * Sign-in and security at a glance: the address and whether mail reaches it, second factors, and where one
 * is signed in. What changes any of it has a page of its own; ending a session is the one thing done here.
 */
import {
  endOtherSessions,
  endSession,
  type FactorsStanding,
  factors,
  listSessions,
  type SessionRow,
} from '@farebox/identity';
import type { Texts } from '@farebox/languages';
import { type Context, Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { readForm } from '../forms.ts';
import { Note, page, Time, timeText } from '../page.tsx';
import { type Somebody, signedIn } from '../visitor.ts';
import { MailTrouble, troubleOf } from './mail-trouble.tsx';

export const security = new Hono<Somebody>();
security.use('/security/*', signedIn);

type Shown = Readonly<{ texts: Texts; language: string }>;

const Factors: FC<{ texts: Texts; standing: FactorsStanding }> = ({ texts, standing }) => {
  const { security: t } = texts;
  const { totp, passkeys, recoveryCodesLeft } = standing;
  return (
    <>
      <h2>{t.factors}</h2>
      <p>{t.factorsText}</p>
      <ul>
        <li>
          <a href="/security/totp">{t.totp}</a>: {totp ? t.on : t.off}
        </li>
        <li>
          <a href="/security/passkeys">{t.passkeys}</a>:{' '}
          {passkeys.length === 0 ? t.off : t.number(passkeys.length)}
        </li>
        <li>
          <a href="/security/recovery-codes">{t.codes}</a>: {t.left(recoveryCodesLeft)}
        </li>
      </ul>
    </>
  );
};

const Session: FC<Shown & { row: SessionRow }> = ({ texts, language, row }) => {
  const { security: t } = texts;
  return (
    <li>
      <p>
        {t.began}: <Time at={row.createdAt} language={language} />
        <br />
        {t.seen}: <Time at={row.seenAt} language={language} />
      </p>
      {row.current ? (
        <p>{t.current}</p>
      ) : (
        <form method="post" action="/security/sessions/end">
          <input type="hidden" name="session" value={row.handle} />
          <button
            type="submit"
            class="plain"
            aria-label={t.endOne(timeText(row.createdAt, language))}
          >
            {t.end}
          </button>
        </form>
      )}
    </li>
  );
};

/** A list and not a table: on a phone the button to end one must not be out of sight. */
const Sessions: FC<Shown & { rows: readonly SessionRow[] }> = ({ texts, language, rows }) => {
  const { security: t } = texts;
  return (
    <>
      <h2>{t.sessions}</h2>
      <p class="hint">{t.sessionsText}</p>
      <ul>
        {rows.map((row) => (
          <Session texts={texts} language={language} row={row} />
        ))}
      </ul>
      {rows.length > 1 && (
        <form method="post" action="/security/sessions/end-others">
          <p>
            <button type="submit">{t.endOthers}</button>
          </p>
        </form>
      )}
    </>
  );
};

/** What was just done, by a word of ours in the address; any other word says nothing. */
function doneText(c: Context<Somebody>): string | undefined {
  const word = c.req.query('done') ?? '';
  const said: Readonly<Record<string, string>> = c.var.texts.security.done;
  return Object.hasOwn(said, word) ? said[word] : undefined;
}

security.get('/security', async (c) => {
  const { house, person, texts, language } = c.var;
  const [rows, standing, trouble] = await Promise.all([
    listSessions(house.identity, person),
    factors(house.identity, person),
    troubleOf(house, person),
  ]);
  const { security: t } = texts;
  const done = doneText(c);
  return page(
    c,
    { title: t.title, here: '/security' },
    <>
      {done !== undefined && <Note kind="done">{done}</Note>}
      <h2>{t.email}</h2>
      <MailTrouble trouble={trouble} texts={texts} language={language} />
      <p>
        {person.email} <a href="/security/email">{t.emailChange}</a>
      </p>
      <h2>{t.password}</h2>
      <p>
        <a href="/security/password">{t.passwordChange}</a>
      </p>
      <Factors texts={texts} standing={standing} />
      <Sessions texts={texts} language={language} rows={rows} />
    </>,
  );
});

security.post('/security/sessions/end', async (c) => {
  const { house, person } = c.var;
  await endSession(house.identity, person, (await readForm(c)).text('session'));
  return c.redirect('/security?done=ended', 303);
});

security.post('/security/sessions/end-others', async (c) => {
  await endOtherSessions(c.var.house.identity, c.var.person);
  return c.redirect('/security?done=others', 303);
});
