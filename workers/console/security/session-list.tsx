/**
 * The sessions of an account. Nothing of the browser is stored (policy P5, P7), so a session is
 * recognized by its times, by how it was opened and by the name its owner gives it.
 */
import { Badge, formatTime, Time } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { MAX_SESSION_NAME_LENGTH, type SessionInfo } from '@farebox/identity';
import type { FC } from 'hono/jsx';

type LocaleProps = Readonly<{ messages: Messages; language: string }>;
type ItemProps = LocaleProps & Readonly<{ row: SessionInfo; suggestedName: string }>;

/** Folded away. The current session's field begins with what this browser says of itself. */
const NameForm: FC<ItemProps> = ({ messages, row, suggestedName }) => {
  const { security: t } = messages;
  const id = `name-${row.handle}`;
  const value = row.name ?? (row.current ? suggestedName : '');
  return (
    <details>
      <summary>{row.name === null ? t.nameSession : t.renameSession}</summary>
      <form method="post" action="/security/sessions/name">
        <input type="hidden" name="session" value={row.handle} />
        <p class="field">
          <label for={id}>{t.sessionName}</label>
          <small id={`${id}-hint`} class="hint">
            {t.sessionNameHint}
          </small>
          <input
            id={id}
            name="name"
            value={value}
            maxlength={MAX_SESSION_NAME_LENGTH}
            autocomplete="off"
            aria-describedby={`${id}-hint`}
          />
        </p>
        <p>
          <button type="submit" class="plain">
            {t.saveSessionName}
          </button>
        </p>
      </form>
    </details>
  );
};

const SessionItem: FC<ItemProps> = (props) => {
  const { messages, language, row } = props;
  const { security: t } = messages;
  const startedAt = formatTime(row.createdAt, language);
  return (
    <li>
      <div>
        {row.name !== null && <strong>{row.name}</strong>}
        <span class={row.name === null ? undefined : 'second'}>
          {t.lastActive}: <Time at={row.seenAt} language={language} />
        </span>
        <span class="second">
          {t.signedInAt}: <Time at={row.createdAt} language={language} />
        </span>
        <span class="second">
          {t.signedInWith}: {row.lastFactorAt === null ? t.byPassword : t.byFactor}
        </span>
        <NameForm {...props} />
      </div>
      {row.current ? (
        <Badge kind="good">{t.currentSession}</Badge>
      ) : (
        <form method="post" action="/security/sessions/end">
          <input type="hidden" name="session" value={row.handle} />
          <button type="submit" class="plain" aria-label={t.endSessionStarted(startedAt)}>
            {t.endSession}
          </button>
        </form>
      )}
    </li>
  );
};

/** A list, because on a phone a table would hide the button that ends a session. */
export const SessionList: FC<
  LocaleProps & Readonly<{ rows: readonly SessionInfo[]; suggestedName: string }>
> = ({ rows, ...props }) => {
  const { security: t } = props.messages;
  return (
    <>
      <p class="quiet-text">{t.sessionsText}</p>
      <ul class="list">
        {rows.map((row) => (
          <SessionItem {...props} row={row} />
        ))}
      </ul>
      {rows.length > 1 && (
        <form method="post" action="/security/sessions/end-others">
          <p>
            <button type="submit" class="plain">
              {t.endOtherSessions}
            </button>
          </p>
        </form>
      )}
    </>
  );
};
