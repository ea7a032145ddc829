/** What the answers of operations say that was used, in the units of their own. Pure. */
import { readStatedCost } from '../chat-usage.ts';
import { CountReader, childObject, isJsonObject, type JsonObject } from '../json-fields.ts';
import type { CountedKey, Counts, ReportedUse } from './contract.ts';

/** Leaves out what is not reported. */
function toCounts(counts: Readonly<Partial<Record<CountedKey, number | null>>>): Counts | null {
  const reported = Object.entries(counts).filter(([, count]) => count !== null);
  return reported.length === 0 ? null : Object.fromEntries(reported);
}

/** Embeddings report what they read as `prompt_tokens`; some providers write 0 for "not counted". */
export function readEmbeddingUse({ usage }: JsonObject): ReportedUse {
  const object = isJsonObject(usage) ? usage : {};
  const reader = new CountReader();
  const tokens =
    reader.read(object, 'prompt_tokens') ??
    reader.read(object, 'input_tokens') ??
    reader.read(object, 'total_tokens');
  const counts = toCounts({ input_uncached: tokens === 0 ? null : tokens });
  return { counts, statedCost: readStatedCost(object), invalid: reader.invalidCount };
}

type Split = Readonly<{ text: number; other: number }>;

/** Divides a total between text and another modality, by whichever count is there. */
function split(total: number, text: number | null, other: number | null): Split {
  const rest = Math.min(other ?? total - Math.min(text ?? total, total), total);
  return { text: total - rest, other: rest };
}

/** Models that are billed by the image report none. */
export function countImages({ data }: JsonObject): Counts {
  return Array.isArray(data) ? { image: data.length } : {};
}

/** The tokens of image models. */
export function readImageUse({ usage }: JsonObject): ReportedUse {
  const object = isJsonObject(usage) ? usage : {};
  const reader = new CountReader();
  const input = reader.read(object, 'input_tokens');
  const output = reader.read(object, 'output_tokens');
  const inputDetails = childObject(object, 'input_tokens_details');
  const outputDetails = childObject(object, 'output_tokens_details');
  const cachedDetails = childObject(inputDetails, 'cached_tokens_details');
  const read = split(
    input ?? 0,
    reader.read(inputDetails, 'text_tokens'),
    reader.read(inputDetails, 'image_tokens'),
  );
  // Without details every token is one of an image: text is at most some of it, and cheaper.
  const written = split(
    output ?? 0,
    reader.read(outputDetails, 'text_tokens'),
    reader.read(outputDetails, 'image_tokens') ?? output,
  );
  const cached = Math.min(input ?? 0, reader.readOrZero(inputDetails, 'cached_tokens'));
  const cachedText = Math.min(
    read.text,
    cached,
    reader.read(cachedDetails, 'text_tokens') ?? cached,
  );
  const cachedImage = Math.min(read.other, cached - cachedText);
  const isReported = input !== null && output !== null;
  const tokens: Counts = {
    input_uncached: read.text - cachedText,
    cache_read: cachedText,
    image_input: read.other - cachedImage,
    image_cache_read: cachedImage,
    output: written.text,
    image_output: written.other,
  };
  return {
    counts: isReported ? tokens : null,
    statedCost: readStatedCost(object),
    invalid: reader.invalidCount,
  };
}

/** Speech reports its tokens in its stream only (`speech.audio.done`). */
export function readSpeechUse({ usage }: JsonObject): ReportedUse {
  const object = isJsonObject(usage) ? usage : {};
  const reader = new CountReader();
  const input = reader.read(object, 'input_tokens');
  const output = reader.read(object, 'output_tokens');
  const isReported = input !== null && output !== null;
  return {
    counts: isReported ? { input_uncached: input, audio_output: output } : null,
    statedCost: readStatedCost(object),
    invalid: reader.invalidCount,
  };
}

/** A length in seconds as a provider bills it: whole ones, begun ones too. */
function readSeconds(value: unknown): number | null {
  const seconds = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  const isLength = typeof seconds === 'number' && seconds >= 0 && seconds <= 1_000_000;
  return isLength ? Math.ceil(seconds) : null;
}

/** Transcripts report tokens or seconds, by what the model is billed by (`usage.type`). */
export function readTranscriptionUse({ usage, duration }: JsonObject): ReportedUse {
  const object = isJsonObject(usage) ? usage : {};
  const reader = new CountReader();
  const input = reader.read(object, 'input_tokens') ?? reader.read(object, 'prompt_tokens');
  const output = reader.read(object, 'output_tokens') ?? reader.read(object, 'completion_tokens');
  const details = childObject(object, 'input_token_details');
  const audio = reader.read(details, 'audio_tokens');
  const read = split(input ?? 0, reader.read(details, 'text_tokens'), audio ?? input);
  const isReported = input !== null && output !== null;
  // `verbose_json` has the length beside the usage, or in its place.
  const stated = typeof duration === 'number' || typeof duration === 'string' ? duration : null;
  const seconds = readSeconds(object.seconds) ?? readSeconds(stated);
  const tokens: Counts = {
    input_uncached: read.text,
    audio_input: read.other,
    output: output ?? 0,
  };
  return {
    counts: toCounts({ ...(isReported ? tokens : {}), audio_second: seconds }),
    statedCost: readStatedCost(object),
    invalid: reader.invalidCount,
  };
}

/** Cohere reports search units, other rankers the tokens that they read. */
export function readRerankUse({ meta, usage }: JsonObject): ReportedUse {
  const billed = isJsonObject(meta) ? childObject(meta, 'billed_units') : {};
  const object = isJsonObject(usage) ? usage : {};
  const reader = new CountReader();
  const searches = reader.read(billed, 'search_units') ?? reader.read(object, 'search_units');
  const tokens =
    reader.read(object, 'total_tokens') ??
    reader.read(object, 'prompt_tokens') ??
    reader.read(billed, 'input_tokens');
  return {
    counts: toCounts({ rerank: searches, input_uncached: tokens }),
    statedCost: readStatedCost(object),
    invalid: reader.invalidCount,
  };
}

/** Moderation reports nothing, and costs nothing. */
export function readNothing(): ReportedUse {
  return { counts: null, statedCost: null, invalid: 0 };
}
