/**
 * Loads Yandex Metrika, after consent and never before (P17 to P20 of the privacy policy,
 * docs/decisions/0048-analytics.md). The answer is kept in this browser only. Global Privacy Control
 * (https://w3c.github.io/gpc/) is an answer of "no" that nobody is asked about again.
 *
 * The hit has the page's address without query and fragment and the referrer's origin only; the
 * title, the tag manager, e-commerce and the tag's own reading of the address are off.
 */
export const ANALYTICS_SCRIPT = `
const ANSWER = 'analytics-consent';
const TAG = 'https://mc.yandex.ru/metrika/tag.js';
const banner = document.querySelector('.consent');
const counter = Number(banner.dataset.counter);

function readAnswer() {
  if (navigator.globalPrivacyControl === true) return 'no';
  try { return localStorage.getItem(ANSWER); } catch { return 'no'; }
}

function storeAnswer(answer) {
  try { localStorage.setItem(ANSWER, answer); } catch { /* Then it is asked again. */ }
}

/** The tag reads the address itself, so what is after the path leaves it before the tag loads. */
function cleanAddress() {
  if (location.search !== '') history.replaceState(history.state, '', location.pathname + location.hash);
}

function origin(address) {
  try { return new URL(address).origin; } catch { return ''; }
}

function start() {
  // A "no" of before set it on this page.
  delete window['disableYaCounter' + counter];
  cleanAddress();
  const url = location.origin + location.pathname;
  const referrer = origin(document.referrer);
  window.ym = window.ym || function () { (window.ym.a = window.ym.a || []).push(arguments); };
  window.ym.l = Date.now();
  window.ym(counter, 'init', {
    defer: true, webvisor: true, clickmap: true, trackLinks: false, accurateTrackBounce: true,
    sendTitle: false, ecommerce: false, disableYtm: true, url, referrer,
  });
  window.ym(counter, 'hit', url, { referer: referrer });
  const script = document.createElement('script');
  script.async = true;
  script.src = TAG;
  document.head.append(script);
}

function expire(name, domain) {
  document.cookie = name + '=; path=/; max-age=0' + (domain === '' ? '' : '; domain=' + domain);
}

/** Metrika sets its cookies on the registrable domain, which no script can ask for: all are tried. */
function clearTraces() {
  const parts = location.hostname.split('.');
  const domains = ['', ...parts.map((_, index) => parts.slice(index).join('.'))];
  for (const cookie of document.cookie.split('; ')) {
    const name = cookie.split('=')[0];
    if (!name.startsWith('_ym')) continue;
    for (const domain of domains) expire(name, domain);
  }
  for (const storage of [localStorage, sessionStorage]) {
    for (const key of Object.keys(storage)) if (key.startsWith('_ym')) storage.removeItem(key);
  }
}

function withdraw() {
  window['disableYaCounter' + counter] = true;
  if (window.ym) window.ym(counter, 'destruct');
  clearTraces();
}

function answer(given) {
  const before = readAnswer();
  storeAnswer(given);
  banner.hidden = true;
  if (given === 'yes' && before !== 'yes') return start();
  if (given === 'no' && before === 'yes') {
    withdraw();
    location.reload();
  }
}

/** An answer in one tab holds in all of them. */
window.addEventListener('storage', ({ key, newValue }) => {
  if (key !== ANSWER || newValue === 'yes' || !window.ym) return;
  withdraw();
  location.reload();
});

const ask = document.querySelector('[data-consent=ask]');
for (const button of banner.querySelectorAll('[data-consent]')) {
  button.addEventListener('click', () => answer(button.dataset.consent));
}
if (navigator.globalPrivacyControl !== true) {
  ask.hidden = false;
  ask.addEventListener('click', () => { banner.hidden = false; banner.querySelector('button').focus(); });
}
const known = readAnswer();
if (known === 'yes') start();
else if (known === null) banner.hidden = false;
else {
  window['disableYaCounter' + counter] = true;
  clearTraces();
}
`;
