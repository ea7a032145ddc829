/** How long a recording is that comes piece by piece. */
import { type AudioFormat, FrameCounter } from '@farebox/dialects';

/** 24,000 samples a second of 16 bits, which speech models make (OpenAI, guide "Text to speech"). */
const PCM_BYTES_PER_SECOND = 48_000;
/** About what speech takes in formats whose frames are not counted. */
const FLAC_BYTES_PER_SECOND = 24_000;
const OPUS_BYTES_PER_SECOND = 4_000;

const BYTES_PER_SECOND: Readonly<Record<Exclude<AudioFormat, 'mp3' | 'aac'>, number>> = {
  pcm: PCM_BYTES_PER_SECOND,
  wav: PCM_BYTES_PER_SECOND,
  flac: FLAC_BYTES_PER_SECOND,
  opus: OPUS_BYTES_PER_SECOND,
};

export class AudioClock {
  readonly #format: AudioFormat;
  readonly #frames = new FrameCounter();
  #bytes = 0;

  constructor(format: AudioFormat) {
    this.#format = format;
  }

  add(bytes: Uint8Array): void {
    if (this.#format === 'mp3' || this.#format === 'aac') this.#frames.write(bytes);
    this.#bytes += bytes.length;
  }

  seconds(): number {
    return this.#format === 'mp3' || this.#format === 'aac'
      ? this.#frames.seconds
      : this.#bytes / BYTES_PER_SECOND[this.#format];
  }
}
