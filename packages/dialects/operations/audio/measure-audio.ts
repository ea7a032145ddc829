/**
 * How long a recording is, for the hold of a call that is billed by its length, and for its bill
 * where the provider does not report the length. Formats by their first bytes: a provider reads those
 * and not the name of the file.
 *
 * Headers say what the caller wants them to. A length counts as known (`isMeasured`) where frames
 * were counted as decoders find them; anything else is bounded by its bytes, AAC too.
 */
import type { Recording } from '../contract.ts';
import {
  type AudioLength,
  hasText,
  isMeasured,
  lengthOfBytes,
  lengthOfCodedFrames,
  withAac,
} from './audio-length.ts';
import { measureFlac } from './flac.ts';
import { isMatroska, measureMatroska } from './matroska.ts';
import { measureMp4 } from './mp4.ts';
import { beginsWithFrame, FrameCounter } from './mpeg-frames.ts';
import { measureOgg } from './ogg.ts';
import { measureWav } from './wav.ts';

/** Returns where the recording begins after an ID3v2 tag (id3.org, section 3.1), which may hold a picture. */
function skipId3(bytes: Uint8Array): number {
  if (!hasText(bytes, 0, 'ID3')) return 0;
  const size = [6, 7, 8, 9].reduce((sum, at) => sum * 128 + ((bytes[at] ?? 0) & 0x7f), 0);
  return Math.min(bytes.length, size + 10);
}

/** Frames inside of what does not begin with one may stand there by chance, or for show. */
function measureFrames(bytes: Uint8Array): AudioLength {
  if (!beginsWithFrame(bytes, 0)) return lengthOfBytes(bytes.length);
  const counter = new FrameCounter();
  counter.write(bytes);
  counter.end();
  const length = lengthOfCodedFrames(counter.seconds, counter.bytesBetween, bytes.length);
  return withAac(length, counter.aacBytes);
}

function measureAudio(bytes: Uint8Array): AudioLength {
  if (hasText(bytes, 0, 'RIFF') && hasText(bytes, 8, 'WAVE')) return measureWav(bytes);
  if (hasText(bytes, 0, 'OggS')) return measureOgg(bytes);
  if (hasText(bytes, 4, 'ftyp')) return withAac(measureMp4(bytes), bytes.length);
  if (isMatroska(bytes)) return measureMatroska(bytes);
  const recording = bytes.subarray(skipId3(bytes));
  if (hasText(recording, 0, 'fLaC')) return measureFlac(recording);
  return measureFrames(recording);
}

/** Returns the length of a recording, and how far a report of another length is believed. */
export function measureRecording(bytes: Uint8Array): Recording {
  const length = measureAudio(bytes);
  const believableSeconds = Math.max(length.maxSeconds, lengthOfBytes(bytes.length).maxSeconds);
  return { ...length, believableSeconds, isMeasured: isMeasured(length) };
}
