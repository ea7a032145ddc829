/**
 * A room to try models in. The browser talks to the API itself: its fields have no names and stand in no
 * form, so nothing that is typed here can be sent to the console, with or without the script.
 */
import { Hono } from 'hono';
import { page } from '../page.tsx';
import { type Somebody, signedIn } from '../visitor.ts';

export const playground = new Hono<Somebody>();
playground.use('/playground', signedIn);

playground.get('/playground', (c) => {
  const { house, texts } = c.var;
  const { playground: text } = texts;
  const says = JSON.stringify({ ...text.said, you: text.you, bill: text.bill });
  return page(
    c,
    { title: texts.frame.playground, here: '/playground', scripts: ['playground'] },
    <>
      <p>{text.intro}</p>
      <noscript>
        <p class="note warning">{text.noScript}</p>
      </noscript>
      <div id="playground" hidden data-api={house.apiUrl.origin} data-says={says}>
        <p class="field">
          <label for="play-key">{text.key}</label>
          <small class="hint" id="play-key-hint">
            {text.keyHint}
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
          <label for="play-model">{text.model}</label>
          <select id="play-model" autocomplete="off"></select>
          <span id="play-listed" role="status"></span>
        </p>
        <p class="field">
          <label for="play-limit">{text.limit}</label>
          <input
            id="play-limit"
            type="number"
            min="1"
            max="100000"
            value="1024"
            autocomplete="off"
          />
        </p>
        <h2>{text.conversation}</h2>
        <div id="play-log"></div>
        <p class="field">
          <label for="play-message">{text.message}</label>
          <textarea id="play-message" rows={4} autocomplete="off"></textarea>
        </p>
        <p>
          <button type="button" id="play-send">
            {text.send}
          </button>{' '}
          <button type="button" id="play-stop" class="plain">
            {text.stop}
          </button>{' '}
          <button type="button" id="play-clear" class="plain">
            {text.clear}
          </button>
        </p>
        <p id="play-status" role="status"></p>
        <p id="play-cost"></p>
      </div>
    </>,
  );
});
