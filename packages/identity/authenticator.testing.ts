/**
 * A security key in software, for tests: WebAuthn level 3's authenticator data (6.1) with `none`
 * attestation and an ES256 key, written byte by byte so that each part can be spoiled.
 */

import { base64url } from '@farebox/crypto';
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';

const USER_PRESENT = 0x01;
const ATTESTED = 0x40;

export type ResponseOverrides = Partial<
  Readonly<{ origin: string; rpId: string; challenge: string; counter: number; type: string }>
>;

export class Authenticator {
  readonly id = base64url.encode(crypto.getRandomValues(new Uint8Array(16)));
  counter = 0;
  readonly #keys: CryptoKeyPair;

  constructor(keys: CryptoKeyPair) {
    this.#keys = keys;
  }

  static async create(): Promise<Authenticator> {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
    const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    if (!('privateKey' in keys)) throw new Error('no key pair');
    return new Authenticator(keys);
  }

  /** Answers `navigator.credentials.create` for the options. */
  async register(options: unknown, overrides: ResponseOverrides = {}) {
    const { challenge, id, origin } = readOptions(options, overrides);
    const rawId = decodeBase64Url(this.id);
    const length = [rawId.length >> 8, rawId.length & 255];
    const attested = [...new Uint8Array(16), ...length, ...rawId, ...(await this.#coseKey())];
    const data = [...this.#header(id, USER_PRESENT | ATTESTED, overrides.counter), ...attested];
    // {"fmt": "none", "attStmt": {}, "authData": bytes} in CBOR.
    const attestationObject = [
      0xa3,
      ...cborText('fmt'),
      ...cborText('none'),
      ...cborText('attStmt'),
      0xa0,
      ...cborText('authData'),
      0x58,
      data.length,
      ...data,
    ];
    return {
      id: this.id,
      rawId: this.id,
      type: 'public-key',
      clientExtensionResults: {},
      response: {
        clientDataJSON: clientData(overrides.type ?? 'webauthn.create', challenge, origin),
        attestationObject: base64url.encode(new Uint8Array(attestationObject)),
        transports: ['usb', 'no such thing'],
      },
    };
  }

  /** Answers `navigator.credentials.get` for the options. */
  async authenticate(options: unknown, overrides: ResponseOverrides = {}) {
    const { challenge, id, origin } = readOptions(options, overrides);
    this.counter += 1;
    const data = this.#header(id, USER_PRESENT, overrides.counter);
    const clientDataJSON = clientData(overrides.type ?? 'webauthn.get', challenge, origin);
    const signed = new Uint8Array([...data, ...sha256(decodeBase64Url(clientDataJSON))]);
    const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
    const signature = await crypto.subtle.sign(algorithm, this.#keys.privateKey, signed);
    return {
      id: this.id,
      rawId: this.id,
      type: 'public-key',
      clientExtensionResults: {},
      response: {
        clientDataJSON,
        authenticatorData: base64url.encode(new Uint8Array(data)),
        signature: base64url.encode(toDer(new Uint8Array(signature))),
      },
    };
  }

  #header(rpId: string, flags: number, counter = this.counter): number[] {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, counter);
    return [...sha256(utf8ToBytes(rpId)), flags, ...bytes];
  }

  /** RFC 9052 section 7: {1: EC2, 3: ES256, -1: P-256, -2: x, -3: y}. */
  async #coseKey(): Promise<number[]> {
    const exported = await crypto.subtle.exportKey('raw', this.#keys.publicKey);
    if (!(exported instanceof ArrayBuffer)) throw new Error('no raw key');
    const point = new Uint8Array(exported);
    const [x, y] = [point.slice(1, 33), point.slice(33)];
    return [0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32, ...x, 0x22, 0x58, 32, ...y];
  }
}

function readOptions(options: unknown, overrides: ResponseOverrides) {
  if (typeof options !== 'object' || options === null || !('challenge' in options)) {
    throw new Error('these are no options');
  }
  return {
    challenge: overrides.challenge ?? String(options.challenge),
    id: overrides.rpId ?? 'localhost',
    origin: overrides.origin ?? 'http://localhost:8788',
  };
}

function clientData(type: string, challenge: string, origin: string): string {
  return base64url.encode(
    utf8ToBytes(JSON.stringify({ type, challenge, origin, crossOrigin: false })),
  );
}

function cborText(value: string): number[] {
  return [0x60 + value.length, ...utf8ToBytes(value)];
}

function decodeBase64Url(base64Url: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64Url, 'base64url'));
}

/** Converts WebCrypto's concatenated r and s to the DER that WebAuthn requires (section 6.5.5). */
function toDer(raw: Uint8Array): Uint8Array {
  const integers = [raw.slice(0, 32), raw.slice(32)].flatMap((half) => {
    let start = 0;
    while (start < 31 && half[start] === 0) start += 1;
    const bytes = [...half.slice(start)];
    const positive = (bytes[0] ?? 0) >= 0x80 ? [0, ...bytes] : bytes;
    return [0x02, positive.length, ...positive];
  });
  return new Uint8Array([0x30, integers.length, ...integers]);
}
