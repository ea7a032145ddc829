/**
 * Filters and sorts the price list. Every row is in the page; without the script the list is
 * complete, with the newest model first.
 */
export const PRICES_SCRIPT = `
const table = document.querySelector('table.models');
const filters = document.querySelector('[data-filters]');
const status = document.querySelector('[data-count]');
const find = document.getElementById('find');
const provider = document.getElementById('provider');
const body = table.tBodies[0];
const format = new Intl.NumberFormat(document.documentElement.lang);

function filter() {
  const words = find.value.toLowerCase().split(/\\s+/);
  let shown = 0;
  for (const row of body.rows) {
    const text = row.cells[0].textContent.toLowerCase();
    const fits = (provider.value === '' || row.dataset.provider === provider.value)
      && words.every((word) => text.includes(word));
    row.hidden = !fits;
    shown += fits ? 1 : 0;
  }
  status.textContent = status.dataset.count.replace('{shown}', format.format(shown));
}

/** Numbers by size, other text by alphabet; an empty cell is last in both directions. */
function compare(one, other) {
  const [a, b] = [Number(one), Number(other)];
  return Number.isNaN(a) || Number.isNaN(b) ? (one < other ? -1 : one > other ? 1 : 0) : a - b;
}

function sort(header) {
  const index = header.cellIndex;
  const descending = header.getAttribute('aria-sort') === 'ascending';
  for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
  header.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
  const value = (row) => row.cells[index].dataset.value ?? row.cells[index].textContent;
  const rows = [...body.rows].sort((one, other) => {
    const [a, b] = [value(one), value(other)];
    if (a === '' || b === '') return a === b ? 0 : a === '' ? 1 : -1;
    return descending ? compare(b, a) : compare(a, b);
  });
  body.append(...rows);
}

for (const header of table.tHead.rows[0].cells) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = header.textContent;
  header.replaceChildren(button);
  button.addEventListener('click', () => sort(header));
}
filters.addEventListener('submit', (event) => event.preventDefault());
find.addEventListener('input', filter);
provider.addEventListener('change', filter);
filters.hidden = false;
`;
