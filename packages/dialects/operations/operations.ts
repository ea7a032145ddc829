/** The spec of every operation. A name in `OPERATIONS` without a spec here is a compile error. */
import { REFERS_TO_STORED } from '../analysis.ts';
import type {
  AnswerForm,
  AudioFormat,
  Counts,
  Measure,
  OperationAnswer,
  OperationFacts,
  OperationField,
  OperationFields,
  OperationLimits,
  OperationRequest,
  OperationSpec,
} from './contract.ts';
import { EMBED_CONTENT_ANSWER } from './embed-content.ts';
import type { Operation } from './names.ts';
import {
  countImages,
  readEmbeddingUse,
  readImageUse,
  readNothing,
  readRerankUse,
  readSpeechUse,
  readTranscriptionUse,
} from './usage-readers.ts';

const MODEL: OperationField = { kind: 'model' };
const TEXT: OperationField = { kind: 'text', isSpoken: false };
const NO_EFFECT: OperationField = { kind: 'no_effect' };
const STREAM: OperationField = {
  kind: 'flag',
  effect: (stream) => (stream ? { stream } : {}),
};
/** Other tiers of these endpoints have no known price. */
const TIER: OperationField = {
  kind: 'choice',
  values: ['auto', 'default', 'standard'],
  effect: () => ({}),
};
const STORED: OperationField = { kind: 'rejected', explanation: REFERS_TO_STORED };

/** Fields that every endpoint takes. */
const COMMON: OperationFields = { model: MODEL, service_tier: TIER, user: NO_EFFECT };

/** The members of an answer that state its use and its errors. */
const USE_AND_ERROR = { usage: true, error: true, message: true, type: true } as const;

// Embeddings: https://developers.openai.com/api/reference/resources/embeddings

const EMBEDDING_FIELDS: OperationFields = {
  ...COMMON,
  input: { kind: 'inputs', allowsParts: false },
  dimensions: NO_EFFECT,
  encoding_format: NO_EFFECT,
  input_type: NO_EFFECT,
};

function measureEmbeddings({ maxTextTokens, estimatedTextTokens }: OperationRequest): Measure {
  return {
    max: { input_uncached: maxTextTokens },
    expected: { input_uncached: estimatedTextTokens },
  };
}

// Images: https://developers.openai.com/api/docs/guides/image-generation,
// https://docs.x.ai/docs/guides/image-generations

/**
 * Names a size or a quality, in lower case, as price rules do: a provider may read either.
 * `auto` leaves it to the provider.
 */
function imageTerm(term: 'size' | 'quality'): OperationField {
  return {
    kind: 'choice',
    values: null,
    effect: (value) => {
      const name = value.trim().toLowerCase();
      return name === 'auto' || name === '' ? {} : { [term]: name };
    },
  };
}

/** OpenAI's maximum of images of one request, and xAI's. */
const MAX_IMAGES = 10;
const MAX_PARTIAL_IMAGES = 3;
/** "Each partial image will incur an additional 100 image output tokens" (guide). */
const PARTIAL_IMAGE_TOKENS = 100;
/**
 * The most tokens of one image that is read: 6,240 in high fidelity for the largest documented
 * square, and what a provider adds for an odd shape (guide, "Image input tokens").
 */
const MAX_IMAGE_INPUT_TOKENS = 10_000;
const EXPECTED_IMAGE_INPUT_TOKENS = 1_000;

const IMAGE_FIELDS: OperationFields = {
  ...COMMON,
  prompt: TEXT,
  n: { kind: 'integer', min: 1, max: MAX_IMAGES, effect: (choices) => ({ choices }) },
  size: imageTerm('size'),
  resolution: imageTerm('size'),
  quality: imageTerm('quality'),
  stream: STREAM,
  partial_images: {
    kind: 'integer',
    min: 0,
    max: MAX_PARTIAL_IMAGES,
    effect: (partialImages) => ({ partialImages }),
  },
  aspect_ratio: NO_EFFECT,
  background: NO_EFFECT,
  moderation: NO_EFFECT,
  output_compression: NO_EFFECT,
  output_format: NO_EFFECT,
  response_format: NO_EFFECT,
  style: NO_EFFECT,
};

const IMAGE_FILES: OperationField = { kind: 'image_files' };

const IMAGE_EDIT_FIELDS: OperationFields = {
  ...IMAGE_FIELDS,
  image: IMAGE_FILES,
  images: IMAGE_FILES,
  mask: IMAGE_FILES,
  input_fidelity: NO_EFFECT,
  image_file_id: STORED,
  mask_file_id: STORED,
};

/** How much of the largest image's tokens one of a quality takes (guide, "Image output tokens"). */
const QUALITY_DIVISORS: ReadonlyMap<string | null, number> = new Map([
  ['low', 16],
  ['standard', 4],
  ['medium', 4],
  [null, 4],
]);

function measureImages(request: OperationRequest, { context, output }: OperationLimits): Measure {
  const { choices, images, partialImages, maxTextTokens, estimatedTextTokens } = request;
  const divisor = QUALITY_DIVISORS.get(request.imageTerms.quality) ?? 1;
  const partials = partialImages * PARTIAL_IMAGE_TOKENS;
  return {
    max: {
      image: choices,
      input_uncached: Math.min(context, maxTextTokens),
      image_input: images * MAX_IMAGE_INPUT_TOKENS,
      source_image: images,
      // A text that the model writes before the image counts as output too.
      image_output: choices * (output + partials),
    },
    expected: {
      image: choices,
      input_uncached: estimatedTextTokens,
      image_input: images * EXPECTED_IMAGE_INPUT_TOKENS,
      source_image: images,
      image_output: choices * Math.ceil(output / divisor + partials),
    },
  };
}

const IMAGE_ANSWER: OperationAnswer = {
  keptMembers: { ...USE_AND_ERROR, data: {} },
  otherForms: [],
  answerMembers: ['data'],
  readUse: readImageUse,
  observe: countImages,
  lastEvents: ['image_generation.completed', 'image_edit.completed'],
};

// Speech: https://developers.openai.com/api/docs/guides/text-to-speech

const AUDIO_FORMATS: readonly AudioFormat[] = ['mp3', 'opus', 'aac', 'flac', 'wav', 'pcm'];

const SPEECH_FIELDS: OperationFields = {
  ...COMMON,
  input: { kind: 'text', isSpoken: true },
  instructions: TEXT,
  // An object names a voice that is stored at the provider.
  voice: { kind: 'choice', values: null, effect: () => ({}) },
  response_format: {
    kind: 'choice',
    values: AUDIO_FORMATS,
    effect: (value) => {
      const audioFormat = AUDIO_FORMATS.find((format) => format === value);
      return audioFormat === undefined ? {} : { audioFormat };
    },
  },
  stream_format: {
    kind: 'choice',
    values: ['audio', 'sse'],
    effect: (value) => ({ answer: value === 'sse' ? 'events' : 'audio' }),
  },
  speed: NO_EFFECT,
};

/**
 * Tokens of audio for a byte of text: half a second, which a letter that is spelled out takes, and
 * more than a digit, a syllable or the name of a sign. Speech has 1,250 tokens a minute: 12 USD a
 * million tokens, "0.015 USD a minute" (model page of gpt-4o-mini-tts).
 */
const MAX_AUDIO_TOKENS_PER_BYTE = 12;
const MIN_AUDIO_TOKENS = 1_000;
export const AUDIO_TOKENS_PER_MINUTE = 1_250;
/** Measured by others: about six tokens of audio for one of text. */
const AUDIO_TOKENS_PER_TEXT_TOKEN = 6;

function measureSpeech(request: OperationRequest, { context, output }: OperationLimits): Measure {
  const { characters, maxTextTokens, estimatedTextTokens } = request;
  const longest = maxTextTokens * MAX_AUDIO_TOKENS_PER_BYTE + MIN_AUDIO_TOKENS;
  return {
    max: {
      speech_character: characters,
      input_uncached: Math.min(context, maxTextTokens),
      audio_output: Math.min(output, longest),
    },
    expected: {
      speech_character: characters,
      input_uncached: estimatedTextTokens,
      audio_output: Math.min(output, estimatedTextTokens * AUDIO_TOKENS_PER_TEXT_TOKEN),
    },
  };
}

// Transcription: https://developers.openai.com/api/docs/guides/speech-to-text

const ANSWER_FORMS: Readonly<Record<string, AnswerForm>> = {
  json: 'json',
  verbose_json: 'json',
  diarized_json: 'json',
  text: 'text',
  srt: 'text',
  vtt: 'text',
};

const TRANSLATION_FIELDS: OperationFields = {
  ...COMMON,
  file: { kind: 'audio_file' },
  prompt: TEXT,
  response_format: {
    kind: 'choice',
    values: Object.keys(ANSWER_FORMS),
    effect: (value) => ({ answer: ANSWER_FORMS[value] ?? 'json' }),
  },
  temperature: NO_EFFECT,
};

const TRANSCRIPTION_FIELDS: OperationFields = {
  ...TRANSLATION_FIELDS,
  language: NO_EFFECT,
  stream: STREAM,
  chunking_strategy: NO_EFFECT,
  include: NO_EFFECT,
  timestamp_granularities: NO_EFFECT,
  known_speaker_names: NO_EFFECT,
  known_speaker_references: {
    kind: 'rejected',
    explanation: 'no page says how recordings of known speakers are billed',
  },
};

/** "1 token per 100 ms" of audio that is read (guide "Realtime costs"); twice that at most. */
const AUDIO_TOKENS_PER_SECOND = 10;
const MAX_AUDIO_TOKENS_PER_SECOND = 20;
/** What a provider writes around the prompt and the recording. */
const TRANSCRIPTION_PREAMBLE_TOKENS = 200;
/** Speech of 150 words a minute. */
const TEXT_TOKENS_PER_SECOND = 4;

/** Tokens of a recording that lasts for so many seconds, at most. */
function maxAudioTokens(seconds: number, context: number): number {
  return Math.min(context, seconds * MAX_AUDIO_TOKENS_PER_SECOND + TRANSCRIPTION_PREAMBLE_TOKENS);
}

function measureTranscription(
  { audio, maxTextTokens, estimatedTextTokens }: OperationRequest,
  { context, output }: OperationLimits,
): Measure {
  const maxSeconds = Math.ceil(audio.maxSeconds);
  const seconds = Math.ceil(audio.estimatedSeconds);
  const believableSeconds = Math.ceil(audio.believableSeconds);
  const max: Counts = {
    audio_second: maxSeconds,
    audio_input: maxAudioTokens(maxSeconds, context),
    input_uncached: Math.min(context, maxTextTokens + TRANSCRIPTION_PREAMBLE_TOKENS),
    output,
  };
  return {
    max,
    believable: {
      ...max,
      audio_second: believableSeconds,
      audio_input: maxAudioTokens(believableSeconds, context),
    },
    expected: {
      audio_second: seconds,
      audio_input: Math.min(context, seconds * AUDIO_TOKENS_PER_SECOND),
      input_uncached: estimatedTextTokens,
      output: Math.min(output, seconds * TEXT_TOKENS_PER_SECOND),
    },
    isGuess: !audio.isMeasured,
  };
}

const TRANSCRIPTION_ANSWER: OperationAnswer = {
  // Of a text only that it is there is kept.
  keptMembers: { ...USE_AND_ERROR, duration: true, text: {}, delta: true },
  otherForms: ['text'],
  answerMembers: ['text'],
  readUse: readTranscriptionUse,
  lastEvents: ['transcript.text.done'],
};

// Moderation: https://developers.openai.com/api/docs/guides/moderation

const MODERATION_FIELDS: OperationFields = {
  ...COMMON,
  input: { kind: 'inputs', allowsParts: true },
};

// Ranking: https://docs.cohere.com/reference/rerank

const RERANK_FIELDS: OperationFields = {
  ...COMMON,
  query: { kind: 'query' },
  documents: { kind: 'documents' },
  top_n: NO_EFFECT,
  top_k: NO_EFFECT,
  max_tokens_per_doc: NO_EFFECT,
  max_chunks_per_doc: NO_EFFECT,
  rank_fields: NO_EFFECT,
  return_documents: NO_EFFECT,
  truncation: NO_EFFECT,
};

/**
 * "A single search unit is a query with up to 100 documents to be ranked. Documents longer than 500
 * tokens when including the length of the search query will be split up into chunks, where each
 * chunk counts as a singular document" (cohere.com/pricing, 2026-10-18).
 */
const DOCUMENTS_PER_SEARCH = 100;
const CHUNK_TOKENS = 500;
/** What is left of a chunk beside the longest query. */
const MIN_CHUNK_TOKENS = 100;

function countSearches(documents: readonly number[], query: number): number {
  const chunk = Math.max(MIN_CHUNK_TOKENS, CHUNK_TOKENS - query);
  const chunks = documents.reduce((sum, tokens) => sum + Math.max(1, Math.ceil(tokens / chunk)), 0);
  return Math.max(1, Math.ceil(chunks / DOCUMENTS_PER_SEARCH));
}

function measureRerank({ query, documents }: OperationRequest): Measure {
  const max = documents.map(({ maxTokens }) => maxTokens);
  const expected = documents.map(({ estimatedTokens }) => estimatedTokens);
  const sum = (tokens: readonly number[], each: number) =>
    tokens.reduce((total, count) => total + count + each, 0);
  return {
    max: {
      rerank: countSearches(max, query.maxTokens),
      input_uncached: sum(max, query.maxTokens),
    },
    expected: {
      rerank: countSearches(expected, query.estimatedTokens),
      input_uncached: sum(expected, query.estimatedTokens),
    },
  };
}

const NO_EVENTS: readonly string[] = [];

export const OPERATION_SPECS: Readonly<Record<Operation, OperationSpec>> = {
  embeddings: {
    path: '/v1/embeddings',
    body: 'json',
    modalities: { input: 'text', output: 'embeddings' },
    fields: EMBEDDING_FIELDS,
    required: ['input'],
    defaultModel: null,
    answerForm: 'json',
    measure: measureEmbeddings,
    answer: {
      keptMembers: { ...USE_AND_ERROR, data: {} },
      otherForms: [],
      answerMembers: ['data'],
      readUse: readEmbeddingUse,
      lastEvents: NO_EVENTS,
    },
  },
  images: {
    path: '/v1/images/generations',
    body: 'json',
    modalities: { input: 'text', output: 'image' },
    fields: IMAGE_FIELDS,
    required: ['prompt'],
    defaultModel: null,
    answerForm: 'json',
    measure: measureImages,
    answer: IMAGE_ANSWER,
  },
  image_edits: {
    path: '/v1/images/edits',
    body: 'any',
    modalities: { input: 'text', output: 'image' },
    fields: IMAGE_EDIT_FIELDS,
    required: ['prompt'],
    defaultModel: null,
    answerForm: 'json',
    measure: measureImages,
    answer: IMAGE_ANSWER,
  },
  speech: {
    path: '/v1/audio/speech',
    body: 'json',
    modalities: { input: 'text', output: 'audio' },
    fields: SPEECH_FIELDS,
    required: ['input'],
    defaultModel: null,
    answerForm: 'audio',
    measure: measureSpeech,
    answer: {
      keptMembers: USE_AND_ERROR,
      otherForms: ['audio'],
      answerMembers: ['usage'],
      readUse: readSpeechUse,
      lastEvents: ['speech.audio.done'],
    },
  },
  transcriptions: {
    path: '/v1/audio/transcriptions',
    body: 'multipart',
    modalities: { input: 'audio', output: 'text' },
    fields: TRANSCRIPTION_FIELDS,
    required: ['file'],
    defaultModel: null,
    answerForm: 'json',
    measure: measureTranscription,
    answer: TRANSCRIPTION_ANSWER,
  },
  translations: {
    path: '/v1/audio/translations',
    body: 'multipart',
    modalities: { input: 'audio', output: 'text' },
    fields: TRANSLATION_FIELDS,
    required: ['file'],
    defaultModel: null,
    answerForm: 'json',
    measure: measureTranscription,
    answer: TRANSCRIPTION_ANSWER,
  },
  moderations: {
    path: '/v1/moderations',
    body: 'json',
    modalities: { input: 'text', output: 'text' },
    fields: MODERATION_FIELDS,
    required: ['input'],
    // "Defaults to omni-moderation-latest" (API reference).
    defaultModel: 'omni-moderation-latest',
    answerForm: 'json',
    measure: () => ({ max: {}, expected: {} }),
    answer: {
      keptMembers: { ...USE_AND_ERROR, results: {} },
      otherForms: [],
      answerMembers: ['results'],
      readUse: readNothing,
      lastEvents: NO_EVENTS,
    },
  },
  rerank: {
    path: '/v1/rerank',
    body: 'json',
    modalities: { input: 'text', output: 'rerank' },
    fields: RERANK_FIELDS,
    required: ['query', 'documents'],
    defaultModel: null,
    answerForm: 'json',
    measure: measureRerank,
    answer: {
      keptMembers: {
        ...USE_AND_ERROR,
        meta: { billed_units: true },
        results: {},
        data: {},
      },
      otherForms: [],
      answerMembers: ['results', 'data'],
      readUse: readRerankUse,
      lastEvents: NO_EVENTS,
    },
  },
};

/** Returns how the answer to a request is read. */
export function getOperationAnswer({ operation, urlTarget }: OperationFacts): OperationAnswer {
  return urlTarget === null ? OPERATION_SPECS[operation].answer : EMBED_CONTENT_ANSWER;
}
