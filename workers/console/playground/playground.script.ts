/**
 * The playground's script: the browser calls the API itself, with a key that lives in one field of the
 * page. It asks the console for nothing, and keeps nothing: no storage, no cookie, no history.
 */
export const PLAYGROUND_SCRIPT = `
const room = document.getElementById('playground');
const api = room.dataset.api;
const says = JSON.parse(room.dataset.says);
const at = (id) => document.getElementById(id);
const [key, model, limit, message, send, stop, clear, log, status, cost, listed] = [
  'play-key', 'play-model', 'play-limit', 'play-message', 'play-send', 'play-stop', 'play-clear',
  'play-log', 'play-status', 'play-cost', 'play-listed',
].map(at);
let turns = [];
let running = null;

const headers = () => ({ authorization: 'Bearer ' + key.value.trim() });
const ask = (path, options = {}) =>
  window.fetch(api + path, { credentials: 'omit', referrerPolicy: 'no-referrer', ...options });
const say = (text) => { status.textContent = text; };

async function listModels() {
  try {
    const answer = await ask('/v1/models', key.value.trim() === '' ? {} : { headers: headers() });
    if (!answer.ok) throw new Error();
    const { data } = await answer.json();
    const before = model.value;
    model.replaceChildren(...data
      .filter((one) => one.endpoints.includes('/v1/chat/completions'))
      .map((one) => new Option(one.id, one.id)));
    if ([...model.options].some((one) => one.value === before)) model.value = before;
    listed.textContent = '';
  } catch {
    listed.textContent = says.noModels;
  }
}

function bubble(who, text) {
  const name = document.createElement('h3');
  name.textContent = who;
  const body = document.createElement('p');
  body.className = 'said';
  body.textContent = text;
  log.append(name, body);
  return body;
}

/** Data of server-sent events, whatever pieces they come in. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += value;
    const lines = rest.split(/\\r?\\n/);
    rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith('data:')) yield line.slice(5).trim();
    }
  }
}

async function showCost(id) {
  if (!/^[0-9a-f]{32}$/.test(id ?? '')) return;
  for (let tries = 0; tries < 20; tries++) {
    const answer = await ask('/v1/generation/' + id, { headers: headers() });
    if (answer.ok) {
      const { data } = await answer.json();
      if (data.status !== 'open') {
        const text = says.cost.replace('{cost}', '$' + data.cost_usd).replace('{id}', id);
        const link = document.createElement('a');
        link.href = '/calls/' + id;
        link.textContent = says.bill;
        cost.replaceChildren(text + ' ', link);
        return;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

async function write(answer, body) {
  let text = '';
  for await (const data of events(answer.body)) {
    if (data === '[DONE]') break;
    const event = JSON.parse(data);
    if (event.error) throw Object.assign(new Error(), { refused: event.error.message });
    text += event.choices?.[0]?.delta?.content ?? '';
    body.textContent = text;
  }
  return text;
}

async function call(turn) {
  const body = {
    model: model.value,
    messages: [...turns, turn],
    stream: true,
    max_completion_tokens: Math.max(1, Number(limit.value) || 1024),
  };
  const answer = await ask('/v1/chat/completions', {
    method: 'POST',
    headers: { ...headers(), 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: running.signal,
  });
  const id = answer.headers.get('x-request-id');
  if (!answer.ok) {
    const { error } = await answer.json();
    throw Object.assign(new Error(), { refused: error.message });
  }
  return { answer, id };
}

async function talk() {
  if (running !== null) return;
  if (key.value.trim() === '') { key.focus(); return say(says.noKey); }
  const content = message.value.trim();
  if (content === '') { message.focus(); return say(says.noMessage); }
  const turn = { role: 'user', content };
  running = new AbortController();
  send.disabled = true;
  stop.disabled = false;
  let id = null;
  let said = null;
  try {
    say(says.waiting);
    bubble(says.you, content);
    said = bubble(model.value, '');
    const begun = await call(turn);
    id = begun.id;
    message.value = '';
    say(says.writing);
    const text = await write(begun.answer, said);
    turns = [...turns, turn, { role: 'assistant', content: text }];
    say(says.done);
  } catch (error) {
    if (error.refused !== undefined) say(says.failed + ' ' + error.refused);
    else if (running.signal.aborted) {
      say(says.stopped);
      const text = said?.textContent ?? '';
      if (text !== '') turns = [...turns, turn, { role: 'assistant', content: text }];
    } else say(says.lost);
  } finally {
    running = null;
    send.disabled = false;
    stop.disabled = true;
    await showCost(id).catch(() => {});
  }
}

send.addEventListener('click', talk);
stop.addEventListener('click', () => running?.abort());
clear.addEventListener('click', () => {
  running?.abort();
  turns = [];
  log.replaceChildren();
  cost.replaceChildren();
  say('');
  message.focus();
});
key.addEventListener('change', listModels);
message.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) talk();
});
// A page that comes back from the browser's memory must not bring the key back with it.
addEventListener('pagehide', () => { running?.abort(); key.value = ''; message.value = ''; });
stop.disabled = true;
room.hidden = false;
listModels();
`;
