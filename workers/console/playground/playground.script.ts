/**
 * The playground's script. The browser calls the API directly, with a key that exists only in one
 * field of the page. The script sends nothing to the console and stores nothing: no storage, cookie
 * or history.
 */
export const PLAYGROUND_SCRIPT = `
const playground = document.getElementById('playground');
const api = playground.dataset.api;
const messages = JSON.parse(playground.dataset.messages);
const at = (id) => document.getElementById(id);
const [key, model, limit, message, send, stop, clear, log, status, cost, modelStatus] = [
  'play-key', 'play-model', 'play-limit', 'play-message', 'play-send', 'play-stop', 'play-clear',
  'play-log', 'play-status', 'play-cost', 'play-model-status',
].map(at);
let turns = [];
let running = null;

const headers = () => ({ authorization: 'Bearer ' + key.value.trim() });
const callApi = (path, options = {}) =>
  window.fetch(api + path, { credentials: 'omit', referrerPolicy: 'no-referrer', ...options });
const showStatus = (text) => { status.textContent = text; };

async function listModels() {
  try {
    const response = await callApi('/v1/models', key.value.trim() === '' ? {} : { headers: headers() });
    if (!response.ok) throw new Error();
    const { data } = await response.json();
    const before = model.value;
    model.replaceChildren(...data
      .filter((item) => item.endpoints.includes('/v1/chat/completions'))
      .map((item) => new Option(item.id, item.id)));
    if ([...model.options].some((item) => item.value === before)) model.value = before;
    modelStatus.textContent = '';
  } catch {
    modelStatus.textContent = messages.noModels;
  }
}

function addMessage(author, text) {
  const name = document.createElement('h3');
  name.textContent = author;
  const body = document.createElement('p');
  body.className = 'message-text';
  body.textContent = text;
  log.append(name, body);
  return body;
}

/** Yields the data of server-sent events; a chunk may end anywhere within an event. */
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
    const response = await callApi('/v1/generation/' + id, { headers: headers() });
    if (response.ok) {
      const { data } = await response.json();
      if (data.status !== 'open') {
        const text = messages.cost.replace('{cost}', '$' + data.cost_usd).replace('{id}', id);
        const link = document.createElement('a');
        link.href = '/calls/' + id;
        link.textContent = messages.bill;
        cost.replaceChildren(text + ' ', link);
        return;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

async function streamReply(response, body) {
  let text = '';
  for await (const data of events(response.body)) {
    if (data === '[DONE]') break;
    const event = JSON.parse(data);
    if (event.error) throw Object.assign(new Error(), { apiError: event.error.message });
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
  const response = await callApi('/v1/chat/completions', {
    method: 'POST',
    headers: { ...headers(), 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: running.signal,
  });
  const id = response.headers.get('x-request-id');
  if (!response.ok) {
    const { error } = await response.json();
    throw Object.assign(new Error(), { apiError: error.message });
  }
  return { response, id };
}

async function sendMessage() {
  if (running !== null) return;
  if (key.value.trim() === '') { key.focus(); return showStatus(messages.noKey); }
  const content = message.value.trim();
  if (content === '') { message.focus(); return showStatus(messages.noMessage); }
  const turn = { role: 'user', content };
  running = new AbortController();
  send.disabled = true;
  stop.disabled = false;
  let id = null;
  let reply = null;
  try {
    showStatus(messages.waiting);
    addMessage(messages.you, content);
    reply = addMessage(model.value, '');
    const started = await call(turn);
    id = started.id;
    message.value = '';
    showStatus(messages.writing);
    const text = await streamReply(started.response, reply);
    turns = [...turns, turn, { role: 'assistant', content: text }];
    showStatus(messages.done);
  } catch (error) {
    if (error.apiError !== undefined) showStatus(messages.failed + ' ' + error.apiError);
    else if (running.signal.aborted) {
      showStatus(messages.stopped);
      const text = reply?.textContent ?? '';
      if (text !== '') turns = [...turns, turn, { role: 'assistant', content: text }];
    } else showStatus(messages.connectionLost);
  } finally {
    running = null;
    send.disabled = false;
    stop.disabled = true;
    await showCost(id).catch(() => {});
  }
}

send.addEventListener('click', sendMessage);
stop.addEventListener('click', () => running?.abort());
clear.addEventListener('click', () => {
  running?.abort();
  turns = [];
  log.replaceChildren();
  cost.replaceChildren();
  showStatus('');
  message.focus();
});
key.addEventListener('change', listModels);
message.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) sendMessage();
});
// The back/forward cache must not restore the key.
addEventListener('pagehide', () => { running?.abort(); key.value = ''; message.value = ''; });
stop.disabled = true;
playground.hidden = false;
listModels();
`;
