/**
 * Verifies a statement in the browser: the file is read there, and nothing of it is sent. The keys
 * are in the page.
 */
import { StatementVerifier } from '@farebox/ledger/statement-verifier';

export const VERIFY_SCRIPT = `
const Verifier = (${StatementVerifier.toString()});
const form = document.getElementById('verify');
const result = document.getElementById('result');
const { keys, texts } = JSON.parse(form.dataset.verify);

function fill(text, values) {
  return text.replace(/\\{(\\w+)\\}/g, (_, name) => String(values[name]));
}

function toUsd(nano) {
  const digits = (nano < 0n ? -nano : nano).toString().padStart(10, '0');
  return (nano < 0n ? '-' : '') + digits.slice(0, -9) + '.' + digits.slice(-9);
}

form.hidden = false;
form.addEventListener('submit', (event) => event.preventDefault());
form.elements.file.addEventListener('change', async (event) => {
  const file = event.target.files[0];
  if (file === undefined) return;
  result.textContent = texts.working;
  const found = await new Verifier(keys).verify(await file.text());
  const { entries, problem, account, notChained } = found;
  const values = { entries, account, notChained, sum: toUsd(found.sum), balance: toUsd(found.balance) };
  const summary = problem === null
    ? fill(texts.valid, values)
    : fill(texts.invalid, { line: problem.line, reason: texts.problems[problem.reason], entries });
  const rest = problem === null && notChained > 0 ? ' ' + fill(texts.notChained, values) : '';
  result.textContent = summary + rest;
  result.className = problem === null ? 'note done' : 'note problem';
});
`;
