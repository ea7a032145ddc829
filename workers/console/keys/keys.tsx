/**
 * The list of API keys and the page of one key. Viewing and revoking need only a session, because
 * revoking has to be quick. Actions that give a key more power need recent authentication.
 */
import { Note } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { page } from '../layout.tsx';
import { notFoundPage } from '../not-found.tsx';
import { requireSignIn, type SignedInEnv } from '../session.ts';
import {
  KeyDetails,
  KeyLimitDetails,
  KeySpending,
  KeyStateLabel,
  type LocaleProps,
} from './components.tsx';
import { createKeyRoutes } from './create-key.tsx';
import { editKeyRoutes } from './edit-key.tsx';
import { type KeyWithStatus, loadKey, loadKeys } from './load-keys.ts';

export const keyRoutes = new Hono<SignedInEnv>();
for (const path of ['/keys', '/keys/*']) keyRoutes.use(path, requireSignIn);
keyRoutes.route('/', createKeyRoutes);
keyRoutes.route('/', editKeyRoutes);

function getDoneMessage(code: string | undefined, messages: Messages): string | undefined {
  const doneMessages: Readonly<Record<string, string>> = messages.keys.done;
  return code !== undefined && Object.hasOwn(doneMessages, code) ? doneMessages[code] : undefined;
}

const KeyListItem: FC<LocaleProps & { keyInfo: KeyWithStatus }> = (props) => {
  const { keyInfo, messages } = props;
  return (
    <li>
      <h2>
        <a href={`/keys/${keyInfo.row.keyId}`}>{keyInfo.row.name}</a>
      </h2>
      <p>
        <KeyStateLabel {...props} />
      </p>
      <dl class="pairs">
        <KeyDetails {...props} />
        {keyInfo.state !== 'revoked' && <KeySpending {...props} />}
      </dl>
      {keyInfo.state === 'paused' && (
        <p>
          <a href={`/keys/${keyInfo.row.keyId}/resume`}>{messages.keys.resume}</a>
        </p>
      )}
    </li>
  );
};

keyRoutes.get('/keys', async (c) => {
  const { messages, language } = c.var;
  const { keys: t } = messages;
  const allKeys = await loadKeys(c);
  const revokedKeys = allKeys.filter(({ state }) => state === 'revoked');
  const unrevokedKeys = allKeys.filter(({ state }) => state !== 'revoked');
  const locale = { messages, language };
  const code = c.req.query('done');
  const doneMessage = getDoneMessage(code, messages);
  return page(
    c,
    { title: messages.nav.keys, activePath: '/keys' },
    <>
      {doneMessage !== undefined && (
        <Note kind={code === 'limit_reached' ? 'warning' : 'done'}>{doneMessage}</Note>
      )}
      <p>{t.intro}</p>
      <p>
        <a class="button" href="/keys/new">
          {t.create}
        </a>
      </p>
      {unrevokedKeys.length === 0 && <p>{t.none}</p>}
      <ul class="keys">
        {unrevokedKeys.map((keyInfo) => (
          <KeyListItem {...locale} keyInfo={keyInfo} />
        ))}
      </ul>
      {revokedKeys.length > 0 && (
        <details>
          <summary>{t.revokedKeys(String(revokedKeys.length))}</summary>
          <ul class="keys">
            {revokedKeys.map((keyInfo) => (
              <KeyListItem {...locale} keyInfo={keyInfo} />
            ))}
          </ul>
        </details>
      )}
    </>,
  );
});

const KeyActions: FC<{ keyInfo: KeyWithStatus; messages: Messages }> = ({ keyInfo, messages }) => {
  const { keys: t } = messages;
  const path = `/keys/${keyInfo.row.keyId}`;
  return (
    <ul>
      {keyInfo.state === 'paused' && (
        <li>
          <a href={`${path}/resume`}>{t.resume}</a>
        </li>
      )}
      <li>
        <a href={`${path}/edit`}>{t.edit}</a>
      </li>
      <li>
        <a href={`${path}/roll`}>{t.roll}</a>
      </li>
      <li>
        <a href={`${path}/revoke`}>{t.revoke}</a>
      </li>
    </ul>
  );
};

keyRoutes.get('/keys/:id', async (c) => {
  const keyInfo = await loadKey(c);
  if (keyInfo === undefined) return notFoundPage(c);
  const { messages, language } = c.var;
  const locale = { messages, language };
  const doneMessage = getDoneMessage(c.req.query('done'), messages);
  return page(
    c,
    { title: keyInfo.row.name, activePath: '/keys' },
    <>
      {doneMessage !== undefined && <Note kind="done">{doneMessage}</Note>}
      <p>
        <KeyStateLabel {...locale} keyInfo={keyInfo} />
      </p>
      {keyInfo.state === 'paused' && <Note kind="warning">{messages.keys.pausedText}</Note>}
      <dl class="pairs">
        <KeyDetails {...locale} keyInfo={keyInfo} />
        <KeySpending {...locale} keyInfo={keyInfo} />
        <KeyLimitDetails
          {...locale}
          limits={keyInfo.status.limits}
          spendGuard={keyInfo.status.spendGuard}
        />
      </dl>
      {keyInfo.state !== 'revoked' && <KeyActions keyInfo={keyInfo} messages={messages} />}
      <p>
        <a href={`/calls?key=${keyInfo.row.keyId}`}>{messages.keys.viewCalls}</a>
      </p>
      <p>
        <a href="/keys">{messages.keys.back}</a>
      </p>
    </>,
  );
});
