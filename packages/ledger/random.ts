/** Returns a number in [0, 1) that spreads retries. Callers take it as a parameter. */
export function secureRandom(): number {
  const [value] = crypto.getRandomValues(new Uint32Array(1));
  return (value ?? 0) / 2 ** 32;
}
