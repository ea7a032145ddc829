import { concatBytes } from './concat-bytes.ts';

export type BoundedBytes = Readonly<{
  bytes: Uint8Array;
  /** False if the body is longer or its connection broke. */
  isWhole: boolean;
}>;

/** Reads the first `max` bytes of a body, and no more than one chunk beyond; never rejects. */
export async function readUpTo(
  body: ReadableStream<Uint8Array> | null,
  max: number,
): Promise<BoundedBytes> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let isBroken = false;
  try {
    for await (const chunk of body ?? []) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > max) break;
    }
  } catch {
    isBroken = true;
  }
  return { bytes: concatBytes(chunks).subarray(0, max), isWhole: !isBroken && length <= max };
}
