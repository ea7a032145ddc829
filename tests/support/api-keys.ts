/** The parts of an API key, read from its text. */

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** The account of a key: bytes 1 to 8 of the key's number (docs/api-keys.md). */
export function parseAccountId(apiKey: string): string {
  const number = [...apiKey.slice(4, 65)].reduce(
    (sum, digit) => sum * 62n + BigInt(DIGITS.indexOf(digit)),
    0n,
  );
  return number.toString(16).padStart(90, '0').slice(2, 18);
}
