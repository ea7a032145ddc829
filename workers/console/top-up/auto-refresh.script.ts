/**
 * Looks for deposits every quarter of a minute while somebody looks at the page, half an hour at most, so that
 * a page left open does not keep somebody signed in.
 */
export const AUTO_REFRESH_SCRIPT = `
const shown = document.getElementById('deposits');
const EVERY_MS = 15000;
let left = 120;

async function look() {
  if (document.hidden) return;
  try {
    const answer = await window.fetch('/top-up');
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const found = page.getElementById('deposits');
    if (found !== null && found.innerHTML !== shown.innerHTML) shown.replaceChildren(...found.childNodes);
  } catch {
    // The next look may reach it.
  }
}

const timer = setInterval(() => {
  left -= 1;
  if (left < 0) clearInterval(timer);
  else look();
}, EVERY_MS);
`;
