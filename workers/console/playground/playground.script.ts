/**
 * The playground's script. The browser calls the API directly, with a key that exists only in one
 * field of the page. It asks the console for one thing, a key of the page; everything else stays
 * here: no storage, no cookie, and of the request only the model's name stands in the URL. What a call
 * costs before and while it runs is estimated from prices and lengths here, so that nothing typed
 * leaves the page before it is sent.
 */
import { TOKEN_COST_SCRIPT } from '@farebox/money';
import { CALL_ESTIMATE_SCRIPT } from './call-estimate.script.ts';
import { CODE_SAMPLES_SCRIPT } from './code-samples.script.ts';
import { PLAYGROUND_DIALECTS_SCRIPT } from './dialects.script.ts';

const API_SCRIPT = `
const playground = document.getElementById('playground');
const { api } = playground.dataset;
const messages = JSON.parse(playground.dataset.messages);
const at = (name) => document.getElementById('play-' + name);
const [key, createKey, prove, keyStatus, system, limit, temperature, compare, message, send, stop, clear, formStatus] = [
  'key', 'create-key', 'prove', 'key-status', 'system', 'limit', 'temperature', 'compare',
  'message', 'send', 'stop', 'clear', 'form-status',
].map(at);
let models = new Map();
let pageKey = null;
let pageKeyTimer;
let running = null;

const headers = () => ({ authorization: 'Bearer ' + key.value.trim() });
const callApi = (path, options = {}) =>
  window.fetch(api + path, { credentials: 'omit', referrerPolicy: 'no-referrer', ...options });
const apiError = (text) => Object.assign(new Error(), { apiError: text });
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Yields the data and the stated costs of server-sent events; a chunk may end anywhere. */
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
      if (line.startsWith(': cost ')) yield { cost: JSON.parse(line.slice(7)).usd };
      else if (line.startsWith('data:')) yield { data: line.slice(5).trim() };
    }
  }
}

/** The reason in the reader's language where the code is known, then the API's own message. */
async function readError(response) {
  const { error } = await response.json();
  const reason = error.details?.find((detail) => detail.reason)?.reason.toLowerCase();
  const words = messages.reasons[reason ?? error.code];
  return apiError((words === undefined ? '' : words + '. ') + error.message);
}

/** The cost of a call whose stream did not say it: stopped, or cut off. */
async function findCost(id) {
  for (let tries = 0; tries < 20; tries++) {
    const response = await callApi('/v1/generation/' + id, { headers: headers() });
    if (response.ok) {
      const { data } = await response.json();
      if (data.status !== 'open') return data.cost_usd;
    }
    await pause(250);
  }
  return null;
}
`;

/** Amounts as the console writes them: exact ones with every digit, estimates with two, rounded up where they are a maximum. */
const COST_SCRIPT = `
const language = document.documentElement.lang;
const usd = { style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol' };
const exactUsd = new Intl.NumberFormat(language, { ...usd, maximumFractionDigits: 9 });
const rounded = { ...usd, maximumSignificantDigits: 2 };
const roundedUsd = new Intl.NumberFormat(language, rounded);
const roundedUpUsd = new Intl.NumberFormat(language, { ...rounded, roundingMode: 'ceil' });
const wholeNumber = new Intl.NumberFormat(language);
const formatEstimate = (nanoUsd) => roundedUsd.format(formatUsd(nanoUsd));
const formatMaximum = (nanoUsd) => roundedUpUsd.format(formatUsd(nanoUsd));

/** Four bytes a token, in whatever script: most tokenizers are near that; a message has a few more. */
const BYTES_PER_TOKEN = 4;
const TOKENS_PER_MESSAGE = 4;
const toTokens = (bytes) => Math.ceil(bytes / BYTES_PER_TOKEN);
const inputTokens = (texts) =>
  texts
    .filter((text) => text !== '')
    .reduce((sum, text) => sum + toTokens(countBytes(text)) + TOKENS_PER_MESSAGE, 0);
const fill = (text, values) =>
  text.replace(/\\{(\\w+)\\}/g, (_, name) => values[name]);
`;

const PANE_SCRIPT = `
/** OpenAI's models that reason refuse a temperature. */
const takesTemperature = (item) =>
  item.owned_by !== 'openai' || item.capabilities.thinking?.supported !== true;

function createPane(suffix, preferred) {
  const [model, dialect, log, status, cost, estimate] =
    ['model', 'api', 'log', 'status', 'cost', 'estimate'].map((name) => at(name + suffix));
  let turns = [];
  /** Grows with each reset, so that an answer that ends later is not kept. */
  let conversation = 0;

  function listDialects() {
    const item = models.get(model.value);
    if (item === undefined) return dialect.replaceChildren();
    const paths = item.endpoints.filter((path) => path in DIALECTS);
    dialect.replaceChildren(...paths.map((path) => new Option(DIALECTS[path].name, path)));
    dialect.value = findStartPath(paths);
  }

  function listModels() {
    const before = model.value;
    const [path, names] = [dialect.value, [...models.keys()]];
    model.replaceChildren(...names.map((name) => new Option(name, name)));
    const wanted = [before, ...preferred].find((name) => models.has(name));
    if (wanted !== undefined) model.value = wanted;
    listDialects();
    if (model.value === before && [...dialect.options].some(({ value }) => value === path))
      dialect.value = path;
  }

  function outputLimit(item) {
    const asked = Math.max(1, Math.floor(Number(limit.value)) || 1024);
    return Math.min(asked, item.max_output_tokens ?? asked);
  }

  /** The texts of the request as the fields stand: each turn is sent again with the next. */
  const texts = (content) => [
    system.value.trim(), ...turns.map((turn) => turn.content), content,
  ];

  /** What the call would cost if it was sent now: its input, and with all output that it may have. */
  function showEstimate() {
    const item = models.get(model.value);
    estimate.textContent = '';
    if (item === undefined) return;
    const content = message.value.trim();
    const { path, body, output } = request({ role: 'user', content });
    const input = inputTokens(texts(content));
    const call = toRequest(DIALECTS[path], body, output);
    const { least, most, held } = estimateCall(item, call, input, new Date());
    estimate.textContent = fill(messages.estimate, {
      least: formatEstimate(least),
      most: formatEstimate(most),
      held: formatMaximum(held),
      input: wholeNumber.format(input),
      output: wholeNumber.format(output),
    });
  }

  /** Adds up what arrived, and shows what it costs until the stream states the bill. */
  function startCounting(item, input) {
    const price = readPrices(item.pricing, new Date(), input);
    const inputCost = tokenCost(input, price('prompt'));
    let bytes = 0;
    return (text) => {
      bytes += countBytes(text);
      const soFar = inputCost + tokenCost(toTokens(bytes), price('completion'));
      cost.textContent = fill(messages.costSoFar, { cost: formatEstimate(soFar) });
    };
  }

  /** The request as the fields stand, with the conversation so far. */
  function request(turn) {
    const item = models.get(model.value);
    const input = {
      model: item.id,
      system: system.value.trim(),
      turns: [...turns, turn],
      limit: outputLimit(item),
      temperature:
        temperature.value === '' || !takesTemperature(item) ? undefined : Number(temperature.value),
    };
    const body = DIALECTS[dialect.value].body(input);
    return { path: dialect.value, model: item.id, body, output: input.limit };
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

  function showCost(id, usd) {
    const link = document.createElement('a');
    link.href = '/calls/' + id;
    link.textContent = messages.bill;
    cost.replaceChildren(fill(messages.cost, { cost: exactUsd.format(usd), id }) + ' ', link);
  }

  async function start({ path, model: name, body }, signal) {
    const { path: toPath, streamed } = DIALECTS[path];
    const response = await callApi(toPath(name, true), {
      method: 'POST',
      headers: {
        ...headers(),
        'content-type': 'application/json',
        'x-farebox-include-cost': 'comment',
      },
      body: JSON.stringify(streamed(body)),
      signal,
    });
    if (!response.ok) throw await readError(response);
    return response;
  }

  /** Returns whether the answer was cut at its limit, and whether its cost is that of the bill. */
  async function readAnswer(response, path, answer, { id, count, ended }) {
    for await (const { data, cost: usd } of events(response.body)) {
      if (usd !== undefined) {
        showCost(id, usd);
        ended.isBilled = true;
      }
      if (data === undefined || data === '[DONE]') continue;
      const read = DIALECTS[path].read(JSON.parse(data));
      if (read.error) throw apiError(read.error);
      answer.textContent += read.text ?? '';
      ended.isCut ||= read.isCut;
      if (!ended.isBilled) count((read.text ?? '') + (read.thought ?? ''));
    }
  }

  function keepTurns(turn, text) {
    if (text !== '') turns = [...turns, turn, { role: 'assistant', content: text }];
  }

  async function run(turn, signal) {
    const call = request(turn);
    const current = conversation;
    const count = startCounting(models.get(call.model), inputTokens(texts(turn.content)));
    const ended = { isCut: false, isBilled: false };
    let id = null;
    cost.replaceChildren();
    status.textContent = messages.waiting;
    addMessage(messages.you, turn.content);
    const answer = addMessage(call.model, '');
    try {
      const response = await start(call, signal);
      id = response.headers.get('x-request-id');
      message.value = '';
      status.textContent = messages.writing;
      count('');
      await readAnswer(response, call.path, answer, { id, count, ended });
      if (current !== conversation) return;
      keepTurns(turn, answer.textContent);
      status.textContent = ended.isCut ? messages.limitReached : messages.done;
    } catch (error) {
      if (current !== conversation) return;
      if (signal.aborted) keepTurns(turn, answer.textContent);
      status.textContent = signal.aborted
        ? messages.stopped
        : error.apiError === undefined ? messages.connectionLost : messages.failed + ' ' + error.apiError;
    }
    showEstimate();
    if (id === null || ended.isBilled) return;
    const usd = await findCost(id).catch(() => null);
    if (usd !== null && current === conversation) showCost(id, usd);
  }

  function reset() {
    turns = [];
    conversation++;
    log.replaceChildren();
    cost.replaceChildren();
    status.textContent = '';
    showEstimate();
  }

  model.addEventListener('change', listDialects);
  return { model, listModels, request, run, reset, showEstimate };
}
`;

const PAGE_SCRIPT = `
const [first, second] = JSON.parse(playground.dataset.models);
const panes = [
  createPane('', [new URLSearchParams(location.search).get('model'), first]),
  createPane('-2', [second]),
];
const shownPanes = () => (compare.checked ? panes : panes.slice(0, 1));

async function fetchModels() {
  const response = await callApi('/v1/models', key.value.trim() === '' ? {} : { headers: headers() });
  if (!response.ok) throw await readError(response);
  const { data } = await response.json();
  const callable = data.filter(({ endpoints }) => endpoints.some((path) => path in DIALECTS));
  return callable.map((item) => [item.id, item]);
}

async function listModels() {
  try {
    models = new Map(await fetchModels());
    for (const pane of panes) pane.listModels();
    at('model-status').textContent = '';
  } catch (error) {
    at('model-status').textContent = [messages.noModels, error.apiError ?? ''].join(' ').trim();
  }
  update();
}

/** Prices change while a page is open; the lists of its models stay as they are. */
async function refreshPrices() {
  const items = await fetchModels().catch(() => []);
  models = new Map([...models, ...items]);
  update();
}

/** Takes the key out of the page when it expires; another key in the field stays. */
function expirePageKey() {
  if (key.value === pageKey) key.value = '';
  pageKey = null;
  keyStatus.textContent = messages.keyExpired;
  showCode();
}

async function createPageKey() {
  createKey.disabled = true;
  try {
    const response = await window.fetch('/playground/key', { method: 'POST' });
    const mustProve = response.redirected || response.status === 403;
    prove.hidden = !mustProve;
    if (mustProve) { keyStatus.textContent = messages.mustProve; return; }
    if (!response.ok) throw new Error();
    const created = await response.json();
    pageKey = created.api_key;
    key.value = pageKey;
    clearTimeout(pageKeyTimer);
    pageKeyTimer = setTimeout(expirePageKey, created.expires_at - Date.now());
    const time = new Date(created.expires_at).toLocaleTimeString(language);
    keyStatus.textContent = messages.keyReady.replace('{time}', time);
    showCode();
  } catch {
    keyStatus.textContent = messages.keyFailed;
  } finally {
    createKey.disabled = false;
  }
}

/** Shows what depends on the fields. */
function update() {
  for (const pane of shownPanes()) pane.showEstimate();
  showCode();
}

/** The first pane's request as code; only a key of the page is written into it. */
function showCode() {
  if (!at('code-details').open || models.size === 0) return;
  const shownKey = pageKey !== null && key.value === pageKey ? pageKey : 'fbx_...';
  const request = panes[0].request({ role: 'user', content: message.value.trim() || 'Hello' });
  at('code').textContent = writeCode(at('language').value, { api, key: shownKey, ...request });
}

async function sendMessage() {
  if (running !== null) return;
  formStatus.textContent = '';
  if (key.value.trim() === '') { key.focus(); formStatus.textContent = messages.noKey; return; }
  const content = message.value.trim();
  if (content === '') { message.focus(); formStatus.textContent = messages.noMessage; return; }
  if (models.size === 0) { formStatus.textContent = messages.noModels; return; }
  running = new AbortController();
  send.disabled = true;
  stop.disabled = false;
  const { signal } = running;
  await Promise.all(shownPanes().map((pane) => pane.run({ role: 'user', content }, signal)));
  running = null;
  send.disabled = false;
  stop.disabled = true;
}

send.addEventListener('click', sendMessage);
stop.addEventListener('click', () => running?.abort());
clear.addEventListener('click', () => {
  running?.abort();
  for (const pane of panes) pane.reset();
  formStatus.textContent = '';
  message.focus();
});
createKey.addEventListener('click', createPageKey);
key.addEventListener('change', listModels);
compare.addEventListener('change', () => {
  at('pane-2').hidden = !compare.checked;
  at('panes').className = compare.checked ? 'columns' : '';
});
panes[0].model.addEventListener('change', () =>
  history.replaceState(null, '', '?model=' + encodeURIComponent(panes[0].model.value)));
for (const type of ['input', 'change']) playground.addEventListener(type, update);
at('code-details').addEventListener('toggle', showCode);
message.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) sendMessage();
});
// The back/forward cache must not restore the key.
addEventListener('pagehide', () => {
  running?.abort();
  pageKey = null;
  for (const field of [key, message, system]) field.value = '';
  at('code').textContent = '';
});
stop.disabled = true;
playground.hidden = false;
listModels();
// Some prices depend on the time of day.
setInterval(update, 60000);
setInterval(refreshPrices, 600000);
`;

export const PLAYGROUND_SCRIPT = [
  TOKEN_COST_SCRIPT,
  PLAYGROUND_DIALECTS_SCRIPT,
  CODE_SAMPLES_SCRIPT,
  CALL_ESTIMATE_SCRIPT,
  API_SCRIPT,
  COST_SCRIPT,
  PANE_SCRIPT,
  PAGE_SCRIPT,
].join('');
