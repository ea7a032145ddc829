/**
 * `tokenCost` and `formatUsd` for a script in a page, which can import nothing. Amounts and prices are
 * a BigInt or the text of one. A test compares both with the functions that they stand for.
 */
export const TOKEN_COST_SCRIPT = `
const tokenCost = (count, perMillion) =>
  (BigInt(count) * BigInt(perMillion) + 999999n) / 1000000n;
function formatUsd(nanoUsd) {
  const digits = String(nanoUsd).padStart(10, '0');
  const fraction = digits.slice(-9).replace(/0+$/, '');
  return digits.slice(0, -9) + (fraction === '' ? '' : '.' + fraction);
}
`;
