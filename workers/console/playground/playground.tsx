/**
 * The playground, for trying models. The browser calls the API directly. The fields have no names
 * and are in no form, so nothing typed here can be sent to the console. Without a script the page
 * estimates what a call costs by a form of numbers, which takes no text.
 */
import { Card, CopyButton } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { Hono } from 'hono';
import type { FC, PropsWithChildren } from 'hono/jsx';
import { page } from '../layout.tsx';
import { isRecentlyAuthenticated, requireSignIn, type SignedInEnv } from '../session.ts';
import { ANTHROPIC_MODEL, SNIPPET_MODEL } from '../snippets.ts';
import { CostEstimate, loadCostEstimate } from './cost-estimate.tsx';
import { pageKeyRoutes } from './page-key.ts';

type TextProps = Readonly<{ messages: Messages }>;

const LabelledField: FC<
  PropsWithChildren<Readonly<{ id: string; label: string; hint?: string }>>
> = (props) => (
  <p class="field">
    <label for={props.id}>{props.label}</label>
    {props.hint !== undefined && (
      <small class="hint" id={`${props.id}-hint`}>
        {props.hint}
      </small>
    )}
    {props.children}
  </p>
);

const KeyCard: FC<TextProps & Readonly<{ mustProve: boolean }>> = ({ messages, mustProve }) => {
  const { playground: t } = messages;
  return (
    <Card id="play-key-title" title={t.key}>
      <p class="field">
        <small class="hint" id="play-key-hint">
          {t.keyHint}
        </small>
        <input
          id="play-key"
          type="password"
          autocomplete="off"
          spellcheck={false}
          aria-labelledby="play-key-title"
          aria-describedby="play-key-hint"
        />
      </p>
      <p class="actions">
        <button type="button" id="play-create-key" aria-describedby="play-create-key-hint">
          {t.createKey}
        </button>
        <a id="play-prove" class="button plain" href="/prove?next=/playground" hidden={!mustProve}>
          {t.confirmIdentity}
        </a>
      </p>
      <small class="hint" id="play-create-key-hint">
        {t.createKeyHint}
      </small>
      <p id="play-key-status" role="status"></p>
    </Card>
  );
};

const SettingsCard: FC<TextProps> = ({ messages: { playground: t } }) => (
  <Card id="play-settings-title" title={t.settings}>
    <LabelledField id="play-system" label={t.system}>
      <textarea id="play-system" rows={2} autocomplete="off"></textarea>
    </LabelledField>
    <LabelledField id="play-limit" label={t.limit}>
      <input id="play-limit" type="number" min="1" value="1024" autocomplete="off" />
    </LabelledField>
    <LabelledField id="play-temperature" label={t.temperature} hint={t.temperatureHint}>
      <input
        id="play-temperature"
        type="number"
        min="0"
        max="2"
        step="0.1"
        autocomplete="off"
        aria-describedby="play-temperature-hint"
      />
    </LabelledField>
    <label class="choice">
      <input id="play-compare" type="checkbox" autocomplete="off" /> {t.compare}
    </label>
  </Card>
);

type PaneProps = TextProps & Readonly<{ suffix: string; label: string; hidden?: boolean }>;

/** A model with its conversation; the script finds the parts by `suffix`. */
const Pane: FC<PaneProps> = ({ messages: { playground: t }, suffix, label, hidden = false }) => (
  <section class="card" id={`play-pane${suffix}`} aria-label={label} hidden={hidden}>
    <div class="columns">
      <LabelledField id={`play-model${suffix}`} label={t.model}>
        <select id={`play-model${suffix}`} autocomplete="off"></select>
      </LabelledField>
      <LabelledField id={`play-api${suffix}`} label={t.api}>
        <select id={`play-api${suffix}`} autocomplete="off"></select>
      </LabelledField>
    </div>
    <p>
      <small id={`play-estimate${suffix}`}></small>
    </p>
    <h2>{label}</h2>
    <div id={`play-log${suffix}`} class="log"></div>
    <p class="empty">{t.noAnswer}</p>
    <p id={`play-status${suffix}`} role="status"></p>
    <p id={`play-cost${suffix}`}></p>
  </section>
);

const MessageFields: FC<TextProps> = ({ messages: { playground: t } }) => (
  <section class="card" aria-label={t.message}>
    <LabelledField id="play-message" label={t.message}>
      <textarea
        id="play-message"
        rows={4}
        autocomplete="off"
        aria-describedby="play-estimate"
      ></textarea>
    </LabelledField>
    <p class="actions">
      <button type="button" id="play-send">
        {t.send}
      </button>
      <button type="button" id="play-stop" class="plain">
        {t.stop}
      </button>
      <button type="button" id="play-clear" class="plain">
        {t.clear}
      </button>
    </p>
    <p id="play-form-status" role="status"></p>
  </section>
);

const CodeDetails: FC<TextProps> = ({ messages: { playground: t, layout } }) => (
  <details id="play-code-details">
    <summary>{t.showCode}</summary>
    <LabelledField id="play-language" label={t.language}>
      <select id="play-language" autocomplete="off">
        <option value="curl">curl</option>
        <option value="javascript">JavaScript</option>
        <option value="python">Python</option>
      </select>
    </LabelledField>
    <div class="copyable">
      <pre id="play-code"></pre>
      <CopyButton source="play-code" label={layout.copyCode} copied={layout.copied} plain />
    </div>
  </details>
);

/** The texts of the script: its states, and the reasons of refused calls by their codes. */
function toScriptMessages({ playground: t, refusedCalls }: Messages): string {
  return JSON.stringify({
    ...t.states,
    you: t.you,
    bill: t.viewCostBreakdown,
    reasons: refusedCalls.reasons,
  });
}

const Playground: FC<TextProps & Readonly<{ apiUrl: URL; mustProve: boolean }>> = (props) => {
  const { messages, apiUrl, mustProve } = props;
  const { playground: t } = messages;
  return (
    <div
      id="playground"
      class="stack"
      hidden
      data-api={apiUrl.origin}
      data-messages={toScriptMessages(messages)}
      data-models={JSON.stringify([SNIPPET_MODEL, ANTHROPIC_MODEL])}
    >
      <div class="columns">
        <KeyCard messages={messages} mustProve={mustProve} />
        <SettingsCard messages={messages} />
      </div>
      <p id="play-model-status" role="status"></p>
      <div id="play-panes">
        <Pane messages={messages} suffix="" label={t.answer} />
        <Pane messages={messages} suffix="-2" label={t.secondAnswer} hidden />
      </div>
      <MessageFields messages={messages} />
      <CodeDetails messages={messages} />
    </div>
  );
};

export const playgroundRoutes = new Hono<SignedInEnv>();
playgroundRoutes.use('/playground', requireSignIn);
playgroundRoutes.route('/', pageKeyRoutes);

playgroundRoutes.get('/playground', async (c) => {
  const { deps, messages, language } = c.var;
  const { playground: t } = messages;
  const estimate = await loadCostEstimate(c);
  return page(
    c,
    {
      title: messages.nav.playground,
      activePath: '/playground',
      wide: true,
      scripts: ['playground', 'copy'],
    },
    <>
      <p>{t.intro}</p>
      <noscript>
        <CostEstimate messages={messages} language={language} estimate={estimate} />
      </noscript>
      <Playground
        messages={messages}
        apiUrl={deps.apiUrl}
        mustProve={!isRecentlyAuthenticated(c.var)}
      />
    </>,
  );
});
