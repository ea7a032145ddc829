/**
 * Base64 (RFC 4648) on @scure/base. Decoding is strict: wrong characters, wrong padding and stray
 * bits in the last character are all rejected, so every byte string has exactly one text.
 */
import * as scure from '@scure/base';

export type Base64Codec = Readonly<{
  encode: (bytes: Uint8Array) => string;
  /** Returns undefined for malformed text. */
  decode: (text: string) => Uint8Array<ArrayBuffer> | undefined;
}>;

function createCodec(coder: scure.BytesCoder): Base64Codec {
  return {
    encode: coder.encode,
    decode: (text) => {
      try {
        return new Uint8Array(coder.decode(text));
      } catch {
        return undefined;
      }
    },
  };
}

/** Section 4, with padding. */
export const base64 = /* @__PURE__ */ createCodec(scure.base64);
/** Section 4, without padding, as PHC strings have it. */
export const base64NoPad = /* @__PURE__ */ createCodec(scure.base64nopad);
/** Section 5, without padding: safe in URLs, cookies and JSON Web Signatures. */
export const base64url = /* @__PURE__ */ createCodec(scure.base64urlnopad);
