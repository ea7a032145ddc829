/** What a new account sees instead of empty charts: the three steps to the first call, in order. */
import { CodeTabs } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import type { FC } from 'hono/jsx';
import { listSnippets } from '../snippets.ts';

type GettingStartedProps = Readonly<{
  messages: Messages;
  apiUrl: URL;
  hasKey: boolean;
  hasCredit: boolean;
}>;

function stepClass(done: boolean, current: boolean): string | undefined {
  return done ? 'done' : current ? 'current' : undefined;
}

export const GettingStarted: FC<GettingStartedProps> = ({
  messages,
  apiUrl,
  hasKey,
  hasCredit,
}) => {
  const { overview: t, layout, nav } = messages;
  return (
    <section class="card" aria-labelledby="start">
      <h2 id="start">{t.getStarted}</h2>
      <ol class="steps">
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
        <li class={stepClass(hasCredit, hasKey)}>
          <strong>{nav.topUp}</strong>
          <div class="stack">
            <p class="quiet-text">{t.stepCreditText}</p>
            {!hasCredit && (
              <p>
                <a class={hasKey ? 'button' : 'button plain'} href="/top-up">
                  {nav.topUp}
                </a>
              </p>
            )}
          </div>
        </li>
        <li class={stepClass(false, hasKey && hasCredit)}>
          <strong>{t.stepCall}</strong>
          <div class="stack">
            <p class="quiet-text">{t.stepCallText}</p>
            <CodeTabs
              name="client"
              legend={t.client}
              tabs={listSnippets(apiUrl)}
              copy={{ label: layout.copyCode, copied: layout.copied }}
            />
          </div>
        </li>
      </ol>
    </section>
  );
};
