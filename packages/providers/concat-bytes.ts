/** Pieces of bytes as one; the only place where bodies are put together. */
export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const piece of chunks) length += piece.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of chunks) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
