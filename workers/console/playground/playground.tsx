/**
 * The playground, for trying models. The browser calls the API directly. The fields have no names
 * and are in no form, so nothing typed here can be sent to the console, with or without the script.
 */
import { Hono } from 'hono';
import { page } from '../layout.tsx';
import { requireSignIn, type SignedInEnv } from '../session.ts';

export const playgroundRoutes = new Hono<SignedInEnv>();
playgroundRoutes.use('/playground', requireSignIn);

playgroundRoutes.get('/playground', (c) => {
  const { deps, messages } = c.var;
  const { playground: t } = messages;
  const scriptMessages = JSON.stringify({ ...t.states, you: t.you, bill: t.viewCostBreakdown });
  return page(
    c,
    { title: messages.nav.playground, activePath: '/playground', scripts: ['playground'] },
    <>
      <p>{t.intro}</p>
      <noscript>
        <p class="note warning">{t.noScript}</p>
      </noscript>
      <div id="playground" hidden data-api={deps.apiUrl.origin} data-messages={scriptMessages}>
        <p class="field">
          <label for="play-key">{t.key}</label>
          <small class="hint" id="play-key-hint">
            {t.keyHint}
          </small>
          <input
            id="play-key"
            type="password"
            autocomplete="off"
            spellcheck={false}
            aria-describedby="play-key-hint"
          />
        </p>
        <p class="field">
          <label for="play-model">{t.model}</label>
          <select id="play-model" autocomplete="off"></select>
          <span id="play-model-status" role="status"></span>
        </p>
        <p class="field">
          <label for="play-limit">{t.limit}</label>
          <input
            id="play-limit"
            type="number"
            min="1"
            max="100000"
            value="1024"
            autocomplete="off"
          />
        </p>
        <h2>{t.conversation}</h2>
        <div id="play-log"></div>
        <p class="field">
          <label for="play-message">{t.message}</label>
          <textarea id="play-message" rows={4} autocomplete="off"></textarea>
        </p>
        <p>
          <button type="button" id="play-send">
            {t.send}
          </button>{' '}
          <button type="button" id="play-stop" class="plain">
            {t.stop}
          </button>{' '}
          <button type="button" id="play-clear" class="plain">
            {t.clear}
          </button>
        </p>
        <p id="play-status" role="status"></p>
        <p id="play-cost"></p>
      </div>
    </>,
  );
});
