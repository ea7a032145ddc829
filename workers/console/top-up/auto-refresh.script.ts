/**
 * Refreshes the list of deposits every 15 seconds while the page is visible, for half an hour at
 * most, so that a page left open does not keep the session alive.
 */
export const AUTO_REFRESH_SCRIPT = `
const deposits = document.getElementById('deposits');
const INTERVAL_MS = 15000;
let remaining = 120;

async function refresh() {
  if (document.hidden) return;
  try {
    const response = await window.fetch('/top-up');
    if (!response.ok || response.redirected) return;
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    const current = page.getElementById('deposits');
    if (current !== null && current.innerHTML !== deposits.innerHTML) deposits.replaceChildren(...current.childNodes);
  } catch {
    // The next refresh may succeed.
  }
}

const timer = setInterval(() => {
  remaining -= 1;
  if (remaining < 0) clearInterval(timer);
  else refresh();
}, INTERVAL_MS);
`;
