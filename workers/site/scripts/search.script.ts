/**
 * Searches the documentation: the index is loaded when the field gets the focus, and scanned for
 * every word. What is typed stays in the browser.
 */
export const SEARCH_SCRIPT = `
const form = document.querySelector('form.search');
const input = form.querySelector('input');
const results = form.querySelector('[data-results]');
const MAX_RESULTS = 12;
let index;

function load() {
  index ??= globalThis.fetch(form.dataset.index).then((response) => {
    if (!response.ok) throw new Error('no index');
    return response.json();
  }).then((entries) => entries.map(([url, title, heading, text]) => ({
    url, title, heading, text, low: [title, heading, text].map((part) => part.toLowerCase()),
  })));
  return index;
}

/** A word in the title weighs more than one in the heading, and that more than one in the text. */
function rate(entry, words) {
  let sum = 0;
  for (const word of words) {
    const at = entry.low.findIndex((part) => part.includes(word));
    if (at < 0) return 0;
    sum += [9, 4, 1][at];
  }
  return sum;
}

function cut(text, word) {
  const at = Math.max(0, text.toLowerCase().indexOf(word));
  const start = Math.max(0, at - 40);
  return (start > 0 ? '…' : '') + text.slice(start, start + 140) + (start + 140 < text.length ? '…' : '');
}

function show(entries, words) {
  const list = document.createElement('ol');
  for (const { url, title, heading, text } of entries) {
    const item = document.createElement('li');
    const link = document.createElement('a');
    link.href = url;
    link.textContent = heading === '' ? title : title + ' › ' + heading;
    const small = document.createElement('small');
    small.textContent = ' ' + cut(text, words[0]);
    item.append(link, small);
    list.append(item);
  }
  results.replaceChildren(list);
}

async function search() {
  const words = input.value.toLowerCase().split(/\\s+/).filter((word) => word !== '');
  if (words.length === 0) return results.replaceChildren();
  try {
    const rated = (await load()).map((entry) => [rate(entry, words), entry]);
    const found = rated.filter(([points]) => points > 0).sort(([a], [b]) => b - a);
    if (found.length === 0) results.textContent = form.dataset.none;
    else show(found.slice(0, MAX_RESULTS).map(([, entry]) => entry), words);
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
