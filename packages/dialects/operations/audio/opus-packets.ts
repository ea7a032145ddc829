/** How long an Opus packet sounds, by its first bytes (RFC 6716, section 3.1). */

const MAX_PACKET_SECONDS = 0.12;
/** Milliseconds of one frame of each configuration, four configurations a row. */
const SILK_FRAMES = [10, 20, 40, 60];
const HYBRID_FRAMES = [10, 20];
const CELT_FRAMES = [2.5, 5, 10, 20];

function frameMilliseconds(configuration: number): number {
  if (configuration < 12) return SILK_FRAMES[configuration % 4] ?? 0;
  if (configuration < 16) return HYBRID_FRAMES[configuration % 2] ?? 0;
  return CELT_FRAMES[configuration % 4] ?? 0;
}

/** Returns the seconds of the packet that begins at `at`. */
export function opusPacketSeconds(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  const code = first & 3;
  const frames = code === 0 ? 1 : code === 3 ? (bytes[at + 1] ?? 0) & 0x3f : 2;
  return Math.min(MAX_PACKET_SECONDS, (frames * frameMilliseconds(first >> 3)) / 1000);
}
