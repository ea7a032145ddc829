/** A number in [0, 1) for spreading retries out. Whoever decides something with it takes it as a parameter. */
export function secureRandom(): number {
  const [value] = crypto.getRandomValues(new Uint32Array(1));
  return (value ?? 0) / 2 ** 32;
}
