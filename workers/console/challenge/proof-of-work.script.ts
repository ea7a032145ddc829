/**
 * Solves the challenge of a form (packages/identity/challenge.ts): finds digits such that the
 * SHA-256 of `<challenge>.<digits>` begins with as many zero bits as the challenge says. It reads
 * nothing but the challenge. Without the script the form offers to send the email later.
 *
 * The platform's digest is asynchronous and takes longer per call than the hash itself, so SHA-256
 * (FIPS 180-4) is written out. The blocks before the digits are the same for every attempt and
 * hashed once. Chunks of 30 ms leave the page responsive.
 */
export const PROOF_OF_WORK_SCRIPT = `
const CHUNK_MS = 30;
const form = document.querySelector('form[data-proof-of-work]');
const { challenge, solution } = form.elements;
const button = form.querySelector('button[type=submit]');
const status = form.querySelector('[role=status]');

const primes = [];
for (let n = 2; primes.length < 64; n += 1) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
const fraction = (root) => Math.floor((root - Math.floor(root)) * 0x100000000) | 0;
const CONSTANTS = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)));
const INITIAL = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
const words = new Int32Array(64);

/** Returns the state after one block of 64 bytes. */
function compress(state, view) {
  for (let i = 0; i < 16; i += 1) words[i] = view.getInt32(i * 4);
  for (let i = 16; i < 64; i += 1) {
    const x = words[i - 15];
    const y = words[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    words[i] = (words[i - 16] + s0 + words[i - 7] + s1) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + CONSTANTS[i] + words[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
  }
  return [a, b, c, d, e, f, g, h].map((word, i) => (word + state[i]) | 0);
}

async function solve(text) {
  const bits = Number(text.split('.')[1]);
  const prefix = new TextEncoder().encode(text + '.');
  const fixed = prefix.length - (prefix.length % 64);
  let state = INITIAL;
  for (let at = 0; at < fixed; at += 64) state = compress(state, new DataView(prefix.buffer, at, 64));
  const rest = prefix.slice(fixed);
  const block = new Uint8Array(64);
  const view = new DataView(block.buffer);
  for (let attempt = 0; ; ) {
    const end = performance.now() + CHUNK_MS;
    while (performance.now() < end) {
      for (let count = 0; count < 500; count += 1, attempt += 1) {
        const digits = String(attempt);
        block.fill(0);
        block.set(rest);
        let at = rest.length;
        for (let i = 0; i < digits.length; i += 1, at += 1) block[at] = digits.charCodeAt(i);
        block[at] = 0x80;
        view.setUint32(60, (fixed + at) * 8);
        if (Math.clz32(compress(state, view)[0]) >= bits) return digits;
      }
    }
    await new Promise((resolve) => setTimeout(resolve));
  }
}

let isWaiting = false;
button.removeAttribute('name');
button.textContent = button.dataset.label;
form.querySelector('[data-without-script]').hidden = true;
form.addEventListener('submit', (event) => {
  if (solution.value !== '') return;
  event.preventDefault();
  isWaiting = true;
  status.textContent = status.dataset.working;
});
solve(challenge.value).then((digits) => {
  solution.value = digits;
  status.textContent = status.dataset.done;
  if (isWaiting) form.requestSubmit(button);
});
`;
