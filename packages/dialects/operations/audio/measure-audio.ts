/**
 * How long a recording is, for the hold of a call that is billed by its length, and for its bill
 * where the provider does not report the length. Formats by their first bytes: a provider reads those
 * and not the name of the file.
 */
import { type AudioLength, hasText, lengthOfBytes, lengthOfFrames } from './audio-length.ts';
import { measureFlac } from './flac.ts';
import { measureMp4 } from './mp4.ts';
import { FrameCounter } from './mpeg-frames.ts';
import { measureOgg } from './ogg.ts';
import { measureWav } from './wav.ts';

/** Returns where the recording begins after an ID3v2 tag (id3.org, section 3.1), which may hold a picture. */
function skipId3(bytes: Uint8Array): number {
  if (!hasText(bytes, 0, 'ID3')) return 0;
  const size = [6, 7, 8, 9].reduce((sum, at) => sum * 128 + ((bytes[at] ?? 0) & 0x7f), 0);
  return Math.min(bytes.length, size + 10);
}

function measureFrames(bytes: Uint8Array): AudioLength {
  const counter = new FrameCounter();
  counter.write(bytes.subarray(skipId3(bytes)));
  counter.end();
  return counter.seconds > 0
    ? lengthOfFrames(counter.seconds, counter.bytesBetween)
    : lengthOfBytes(bytes.length);
}

export function measureAudio(bytes: Uint8Array): AudioLength {
  if (hasText(bytes, 0, 'RIFF') && hasText(bytes, 8, 'WAVE')) return measureWav(bytes);
  if (hasText(bytes, 0, 'OggS')) return measureOgg(bytes);
  if (hasText(bytes, 0, 'fLaC')) return measureFlac(bytes);
  if (hasText(bytes, 4, 'ftyp')) return measureMp4(bytes);
  // WebM and what is unknown: its frames stand in blocks of any size.
  if (bytes[0] === 0x1a && bytes[1] === 0x45) return lengthOfBytes(bytes.length);
  return measureFrames(bytes);
}
