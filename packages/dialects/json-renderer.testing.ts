/**
 * For tests: renders a value as JSON in any way that a client might (odd spacing, needless
 * escapes), chosen by a seed, so that a failure repeats.
 */

/** Numbers below `below`, always the same for a seed (Numerical Recipes' LCG). */
export function createSeededRandom(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 4294967296) * bound);
  };
}

const SPACES = ['', '', '', ' ', '\n', '\t', '\r\n', '  '];

function renderString(text: string, pick: (bound: number) => number): string {
  let out = '"';
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    const hex = unit.toString(16).padStart(4, '0');
    const surrogate = unit >= 0xd800 && unit <= 0xdfff;
    if (pick(8) === 0 || surrogate) out += `\\u${pick(2) === 0 ? hex : hex.toUpperCase()}`;
    else out += text[index] === '/' ? '\\/' : JSON.stringify(text[index]).slice(1, -1);
  }
  return `${out}"`;
}

export function renderJson(value: unknown, pick: (bound: number) => number): string {
  const space = () => SPACES[pick(SPACES.length)] ?? '';
  const spaced = (text: string) => `${space()}${text}${space()}`;
  if (Array.isArray(value))
    return spaced(`[${value.map((item) => renderJson(item, pick)).join()}]`);
  if (typeof value === 'string') return spaced(renderString(value, pick));
  if (typeof value !== 'object' || value === null) return spaced(JSON.stringify(value) ?? 'null');
  const members = Object.entries(value).map(
    ([name, item]) => `${spaced(renderString(name, pick))}:${renderJson(item, pick)}`,
  );
  return spaced(`{${space()}${members.join()}}`);
}
