/**
 * Searches the documentation: the index is loaded when the field gets the focus, and scanned for
 * every word. What is typed stays in the browser.
 *
 * A word is looked for without its ending, because Russian and English words change theirs. Chinese
 * has no spaces, so a run of characters that occurs nowhere as a whole is looked for by its pairs.
 */
export const SEARCH_SCRIPT = `
const form = document.querySelector('form.search');
const input = form.querySelector('input');
const results = form.querySelector('[data-results]');
const MAX_RESULTS = 12;
let index;

function normalize(text) {
  return text.toLowerCase().replaceAll('ё', 'е').replaceAll('’', "'");
}

function load() {
  index ??= globalThis.fetch(form.dataset.index).then((response) => {
    if (!response.ok) throw new Error('no index');
    return response.json();
  }).then((entries) => entries.map(([url, title, heading, text]) => ({
    url, title, heading, text, low: [title, heading, text].map(normalize),
  })));
  return index;
}

const HAN = /[\\u3400-\\u9fff]/;
/** Words of questions, which stand everywhere and say nothing. */
const STOP_WORDS = new Set(('a an the is are do does how to of in on for with my i can what why where and or '
  + 'как что где почему какие какой сколько ли и в на с для по из у к от мой моя мои не это я мне').split(' '));
const HAN_FILLERS = /如何|怎么|怎样|什么|为什么|哪里|可以|吗|的|了|我/g;

/** Endings of Russian words, the longest first; what is left has four letters at least. */
const RUSSIAN_ENDING = /(?:иями|ями|ами|ией|ого|его|ому|ему|ыми|ими|ать|ять|ить|еть|ешь|ишь|ает|яет|ует|ется|ится|ться|ная|ное|ный|ные|ных|ной|ную|ция|ции|цию|ций|ая|яя|ое|ее|ые|ие|ый|ий|ой|ей|ом|ем|ам|ям|ах|ях|ов|ев|ия|ию|ии|ью|ют|ут|ит|ет|а|я|о|е|ы|и|у|ю|ь|й)$/;
const ENGLISH_ENDING = /(?:ies|ing|ed|es|s|e|y)$/;

function stem(word) {
  const ending = /[а-я]/.test(word) ? RUSSIAN_ENDING : ENGLISH_ENDING;
  const short = word.replace(ending, '');
  return short.length >= 4 ? short : word;
}

/** The pairs of a run of Chinese characters, with the words of other scripts between them. */
function splitHan(word) {
  const runs = word.replace(HAN_FILLERS, ' ').match(/[\\u3400-\\u9fff]+|[^\\u3400-\\u9fff\\s]+/g) ?? [];
  return runs.flatMap((run) => HAN.test(run) && run.length > 2
    ? Array.from({ length: run.length - 1 }, (_, at) => run.slice(at, at + 2)) : [run]);
}

/** What a query looks for: stems, and Chinese text as it stands where it occurs, else by its pairs. */
function toTerms(query, entries) {
  const words = normalize(query).split(/[\\s,.?!:;"()，。？！：；、（）]+/).filter((word) => word !== '');
  const telling = words.filter((word) => !STOP_WORDS.has(word));
  const terms = (telling.length === 0 ? words : telling).flatMap((word) => {
    if (!HAN.test(word)) return [stem(word)];
    return entries.some(({ low }) => low.some((part) => part.includes(word))) ? [word] : splitHan(word);
  });
  return [...new Set(terms)];
}

/** A term in the title weighs more than one in the heading, and that more than one in the text. */
function rate(entry, terms, counts) {
  let points = 0;
  let found = 0;
  for (const term of terms) {
    const at = entry.low.findIndex((part) => part.includes(term));
    if (at < 0) continue;
    found += 1;
    // A term that few entries have says more than one that most have.
    points += [9, 4, 1][at] / Math.sqrt(counts.get(term));
  }
  return { found, points };
}

/** The entries with every term; where there is none, those with the most of them. */
function find(entries, query) {
  const terms = toTerms(query, entries);
  const counts = new Map(terms.map((term) =>
    [term, entries.filter(({ low }) => low.some((part) => part.includes(term))).length]));
  const rated = entries.map((entry) => ({ entry, ...rate(entry, terms, counts) }));
  const most = Math.max(0, ...rated.map(({ found }) => found));
  // Half of the terms is chance.
  if (most * 2 < terms.length || most === 0) return { terms, entries: [] };
  const best = rated.filter(({ found }) => found === most).sort((a, b) => b.points - a.points);
  return { terms, entries: best.slice(0, MAX_RESULTS).map(({ entry }) => entry) };
}

function cut({ text }, terms) {
  const low = normalize(text);
  const at = Math.max(0, Math.min(...terms.map((term) => low.indexOf(term)).filter((place) => place >= 0), low.length));
  const start = at >= low.length ? 0 : Math.max(0, at - 40);
  return (start > 0 ? '…' : '') + text.slice(start, start + 140) + (start + 140 < text.length ? '…' : '');
}

function show({ entries, terms }) {
  const list = document.createElement('ol');
  for (const entry of entries) {
    const item = document.createElement('li');
    const link = document.createElement('a');
    link.href = entry.url;
    link.textContent = entry.heading === '' ? entry.title : entry.title + ' › ' + entry.heading;
    const small = document.createElement('small');
    small.textContent = ' ' + cut(entry, terms);
    item.append(link, small);
    list.append(item);
  }
  results.replaceChildren(list);
}

async function search() {
  if (input.value.trim() === '') return results.replaceChildren();
  try {
    const found = find(await load(), input.value);
    if (found.entries.length === 0) results.textContent = form.dataset.none;
    else show(found);
  } catch {
    index = undefined;
    results.textContent = form.dataset.failed;
  }
}

input.addEventListener('focus', () => load().catch(() => { index = undefined; }));
input.addEventListener('input', search);
form.addEventListener('submit', (event) => { event.preventDefault(); search(); });
const asked = new URLSearchParams(location.search).get('q');
if (asked !== null) { input.value = asked; search(); }
`;
