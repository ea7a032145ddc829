/**
 * What a call of the playground costs and what is held for it, from the published prices of its model
 * (GET /v1/models) and the request as it would be sent. `tests/playground-estimates.test.ts` compares
 * it with the gateway's plan of the same request, from which the hold is made, at any hour and length.
 * A page can import nothing, and what is typed is sent nowhere for an estimate, so that the rules are
 * written again here.
 */
export const CALL_ESTIMATE_SCRIPT = `
const DAYS_OF_WEEK = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const utf8 = new TextEncoder();
const countBytes = (text) => utf8.encode(text).length;

/** Whether an entry of a model's \`pricing.overrides\` holds for an input of this length. */
function overrideHolds(override, at, tokens) {
  if (tokens <= (override.min_prompt_tokens ?? -1)) return false;
  const date = at.toISOString().slice(0, 10);
  if (override.only_dates?.includes(date) === false) return false;
  if (override.except_dates?.includes(date)) return false;
  if (override.utc_days?.includes(DAYS_OF_WEEK[at.getUTCDay()]) === false) return false;
  const { utc_start: start = 0, utc_end: end = 2400 } = override;
  const clock = at.getUTCHours() * 100 + at.getUTCMinutes();
  return start <= end ? clock >= start && clock < end : clock >= start || clock < end;
}

/** The prices of a moment and a length of input, in nano-USD per million tokens. */
function readPrices(pricing, at, tokens) {
  const usd = Object.assign({}, pricing,
    ...pricing.overrides.filter((override) => overrideHolds(override, at, tokens)));
  return (key) => {
    const [whole, fraction = ''] = (usd[key] ?? '0').split('.');
    return BigInt(whole + fraction.padEnd(15, '0'));
  };
}

/** Bytes that a text may gain where a tokenizer normalizes it; Hangul and ideographs gain none. */
function countGrowth(text) {
  let growth = 0;
  for (const [character] of text.matchAll(/[^\\0-\\x7f\\u4e00-\\u9fff\\uac00-\\ud7a3]/gu))
    growth += Math.max(0, countBytes(character.normalize('NFKD')) - countBytes(character));
  return growth;
}

/** The most tokens of a value in the prompt: no token has less than a byte. */
function countMaxTokens(value) {
  if (typeof value === 'string') return countBytes(value) + countGrowth(value) + 2;
  if (typeof value === 'number') return String(value).length + 24;
  if (Array.isArray(value)) return value.reduce((sum, item) => sum + countMaxTokens(item) + 4, 2);
  return countMembers(value, countMaxTokens);
}

function countMembers(object, count) {
  return Object.entries(object)
    .filter(([, member]) => member !== undefined)
    .reduce((sum, [name, member]) => sum + name.length + 2 + count(member, name) + 4, 2);
}

/** The most tokens of a request; of its model and its settings only the names count. */
function countRequestTokens(body) {
  return countMembers(body, (member, name) =>
    name === 'model' || ['number', 'boolean'].includes(typeof member) ? 0 : countMaxTokens(member));
}

/** What a provider may put around a prompt, and around each message and part of it. */
const MAX_PREAMBLE_TOKENS = 2000;
const MAX_FRAME_TOKENS = 16;

const maxBigInt = (amounts) => amounts.reduce((a, b) => (a > b ? a : b));

/**
 * What is held: all input that the request can have at the highest price of any length up to it, and
 * all output at the highest price.
 */
function findHold(item, { body, frames, cachesUnasked, output }, at) {
  const bound = countRequestTokens(body) + frames * MAX_FRAME_TOKENS + MAX_PREAMBLE_TOKENS;
  const input = Math.min(bound, item.context_length);
  const lengths = item.pricing.overrides.map(({ min_prompt_tokens: min = -1 }) => min + 1);
  const prices = [0, ...lengths.filter((length) => length <= input)]
    .map((length) => readPrices(item.pricing, at, length));
  const highest = (keys) => maxBigInt(prices.flatMap((price) => keys.map(price)));
  const writes = ['input_cache_write', 'input_cache_write_30m', 'input_cache_write_12h'];
  const inputKeys = ['prompt', 'input_cache_read', ...(cachesUnasked ? writes : [])];
  return tokenCost(input, highest(inputKeys)) +
    tokenCost(Math.min(output, item.context_length), highest(['completion', 'image_output']));
}

/** What the estimate needs of a request in a dialect; \`output\` is its limit. */
function toRequest(dialect, body, output) {
  const { countFrames, cachesUnasked, streamed } = dialect;
  return { body: streamed(body), frames: countFrames(body), cachesUnasked, output };
}

/**
 * The cost of the input and that with all of the output, for \`input\` tokens that the provider is
 * likely to count, and what is held for the call.
 */
function estimateCall(item, request, input, at) {
  const price = readPrices(item.pricing, at, input);
  const least = tokenCost(input, price('prompt'));
  const most = least + tokenCost(request.output, price('completion'));
  return { least, most, held: findHold(item, request, at) };
}
`;
