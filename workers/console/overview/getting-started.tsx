/** What a new account sees instead of empty charts: the three steps to the first call, in order. */

import { CodeTabs, CopyButton } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import type { FC } from 'hono/jsx';
import { listSnippets } from '../snippets.ts';
import type { Network } from '../top-up/confirmations.ts';
import { NetworkList } from '../top-up/network-list.tsx';

type NewKey = Readonly<{ text: string; monthlyBudget: string }>;

type GettingStartedProps = Readonly<{
  messages: Messages;
  apiUrl: URL;
  /** The key that was just made, where this is the only page that shows it. */
  newKey?: NewKey;
  hasKey: boolean;
  hasCredit: boolean;
  networks: readonly Network[];
}>;

function stepClass(done: boolean, current: boolean): string | undefined {
  return done ? 'done' : current ? 'current' : undefined;
}

/** A request that costs nothing and shows that the key works, before there is a balance. */
function toKeyCheck(apiUrl: URL, apiKey: string): string {
  return `curl ${apiUrl.origin}/v1/key -H "Authorization: Bearer ${apiKey}"`;
}

const NewKeyStep: FC<GettingStartedProps & Readonly<{ newKey: NewKey }>> = (props) => {
  const { messages, apiUrl, newKey } = props;
  const { overview: t, keys } = messages;
  return (
    <li class="done">
      <strong>{t.keyReady}</strong>
      <div class="stack">
        <output id="key" class="key">
          {newKey.text}
        </output>
        <p>
          <CopyButton source="key" label={keys.copy} copied={keys.copied} />
        </p>
        <p class="quiet-text">{t.keyReadyText(newKey.monthlyBudget)}</p>
        <details>
          <summary>{t.checkKey}</summary>
          <pre>{toKeyCheck(apiUrl, newKey.text)}</pre>
        </details>
      </div>
    </li>
  );
};

const KeyStep: FC<GettingStartedProps> = ({ messages: { overview: t }, hasKey }) => (
  <li class={stepClass(hasKey, true)}>
    <strong>{t.stepKey}</strong>
    <div class="stack">
      <p class="quiet-text">{t.stepKeyText}</p>
      {!hasKey && (
        <p>
          <a class="button" href="/keys/new">
            {t.createKey}
          </a>
        </p>
      )}
    </div>
  </li>
);

export const GettingStarted: FC<GettingStartedProps> = (props) => {
  const { messages, apiUrl, newKey, hasKey, hasCredit, networks } = props;
  const { overview: t, layout, nav } = messages;
  return (
    <section class="card" aria-labelledby="start">
      <h2 id="start">{t.getStarted}</h2>
      <ol class="steps">
        {newKey === undefined ? <KeyStep {...props} /> : <NewKeyStep {...props} newKey={newKey} />}
        <li class={stepClass(hasCredit, hasKey)}>
          <strong>{nav.topUp}</strong>
          <div class="stack">
            <p class="quiet-text">{t.stepCreditText}</p>
            {!hasCredit && <NetworkList messages={messages} networks={networks} />}
          </div>
        </li>
        <li class={stepClass(false, hasKey && hasCredit)}>
          <strong>{t.stepCall}</strong>
          <div class="stack">
            <p class="quiet-text">{newKey === undefined ? t.stepCallText : t.stepCallReady}</p>
            <CodeTabs
              name="client"
              legend={t.client}
              tabs={listSnippets(apiUrl, newKey?.text)}
              copy={{ label: layout.copyCode, copied: layout.copied }}
            />
          </div>
        </li>
      </ol>
      {newKey !== undefined && (
        <p>
          <a class="button plain" href="/">
            {t.continueToOverview}
          </a>
        </p>
      )}
    </section>
  );
};
