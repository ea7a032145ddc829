/** An authenticator app for system tests, independent of the product's own code. */
import { createHmac } from 'node:crypto';

/** Computes the code of RFC 6238 with SHA-1, `steps` time steps from now. */
export function totpCode(secret: string, steps = 0): string {
  const digits = [...secret.replaceAll(' ', '')].map((base32Digit) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(base32Digit).toString(2).padStart(5, '0'),
  );
  const key = Buffer.from((digits.join('').match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac('sha1', key).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 15;
  return String((mac.readUInt32BE(offset) & 0x7f_ff_ff_ff) % 1_000_000).padStart(6, '0');
}
