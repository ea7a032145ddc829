/**
 * What developers.openai.com says of OpenAI's models that do not converse. Prices per million units:
 * tokens, characters, or seconds (a price a minute divided by 60).
 */
import type { Lifecycle } from '../price-list.ts';
import { type CuratedModel, nanoPrices, type UsdPrices } from './curated-model.ts';

const MODEL_PAGES = 'https://developers.openai.com/api/docs/models';

const MODEL = {
  hidesReasoning: false,
  capabilities: {},
  lifecycle: {},
  factors: [],
  firstHand: false,
} as const;

function always(prices: UsdPrices): CuratedModel['prices'] {
  return [{ id: 'standard', when: {}, prices: nanoPrices(prices) }];
}

/** The window is the longest single input; "8192 tokens" (guide "Embeddings", FAQ). */
const EMBEDDINGS = {
  ...MODEL,
  operations: ['embeddings'],
  limits: { context: 8192, output: 1 },
  seenOn: '2026-11-05',
} as const;

/**
 * An image is at most 6,240 tokens in high quality up to 1536 x 1024; the models since GPT-Image-2
 * take up to 3840 x 2160 pixels, four times as many, and higher qualities (guide "Image generation",
 * "Calculating costs"). No page states a maximum, so the output limit is a bound of ours.
 */
const IMAGES = {
  ...MODEL,
  operations: ['images', 'image_edits'],
  capabilities: { imageInput: true },
  limits: { context: 32_000, output: 25_000 },
} as const;

const CURRENT_IMAGES = {
  ...IMAGES,
  prices: always({
    input_uncached: '5',
    cache_read: '1.25',
    image_input: '8',
    image_cache_read: '2',
    output: '30',
    image_output: '30',
  }),
} as const;

/** The notices of 2026-06-02 and 2026-08-26 on the page of deprecations. */
function retiring(
  retiresOn: string,
  deprecatedOn: string | null,
  successor: string,
): Partial<Lifecycle> {
  return { retiresOn, deprecatedOn, successor };
}

const SPEECH = {
  ...MODEL,
  operations: ['speech'],
  lifecycle: { retiresOn: '2027-01-06', deprecatedOn: null, successor: null },
  seenOn: '2026-11-05',
} as const;

const TRANSCRIPTION = {
  ...MODEL,
  operations: ['transcriptions'],
  capabilities: { audioInput: true },
  limits: { context: 16_000, output: 2_000 },
  seenOn: '2026-10-17',
} as const;

const UNTIL_FEBRUARY = retiring('2027-02-26', '2026-08-26', 'gpt-transcribe');

export const OPENAI_OPERATION_MODELS: readonly CuratedModel[] = [
  {
    ...EMBEDDINGS,
    id: 'text-embedding-3-small',
    displayName: 'text-embedding-3-small',
    lifecycle: { released: '2024-01-25' },
    prices: always({ input_uncached: '0.02' }),
    page: `${MODEL_PAGES}/text-embedding-3-small`,
  },
  {
    ...EMBEDDINGS,
    id: 'text-embedding-3-large',
    displayName: 'text-embedding-3-large',
    lifecycle: { released: '2024-01-25' },
    prices: always({ input_uncached: '0.13' }),
    page: `${MODEL_PAGES}/text-embedding-3-large`,
  },
  {
    ...EMBEDDINGS,
    id: 'text-embedding-ada-002',
    displayName: 'text-embedding-ada-002',
    lifecycle: { released: '2022-12-15', successor: 'text-embedding-3-small' },
    prices: always({ input_uncached: '0.1' }),
    page: `${MODEL_PAGES}/text-embedding-ada-002`,
  },
  {
    ...CURRENT_IMAGES,
    id: 'gpt-image-2.6-sunburst',
    displayName: 'GPT-Image-2.6 Sunburst',
    page: `${MODEL_PAGES}/gpt-image-2.6-sunburst`,
    seenOn: '2026-11-20',
    firstHand: true,
  },
  {
    ...CURRENT_IMAGES,
    id: 'gpt-image-2.6-flare',
    displayName: 'GPT-Image-2.6 Flare',
    page: `${MODEL_PAGES}/gpt-image-2.6-flare`,
    seenOn: '2026-11-20',
  },
  {
    ...CURRENT_IMAGES,
    id: 'gpt-image-2.5-sunburst',
    displayName: 'GPT-Image-2.5 Sunburst',
    lifecycle: { released: '2026-09-08', successor: 'gpt-image-2.6-sunburst' },
    page: `${MODEL_PAGES}/gpt-image-2.5-sunburst`,
    seenOn: '2026-09-09',
  },
  {
    ...CURRENT_IMAGES,
    id: 'gpt-image-2.5-flare',
    displayName: 'GPT-Image-2.5 Flare',
    lifecycle: { released: '2026-09-08', successor: 'gpt-image-2.6-flare' },
    page: `${MODEL_PAGES}/gpt-image-2.5-flare`,
    seenOn: '2026-09-09',
  },
  {
    ...CURRENT_IMAGES,
    id: 'gpt-image-2',
    displayName: 'GPT-Image-2',
    lifecycle: { successor: 'gpt-image-2.6-sunburst' },
    page: `${MODEL_PAGES}/gpt-image-2`,
    seenOn: '2026-09-09',
  },
  {
    ...IMAGES,
    id: 'gpt-image-1-mini',
    displayName: 'GPT-Image-1 Mini',
    limits: { context: 32_000, output: 6_240 },
    lifecycle: {
      // OpenAI's DevDay.
      released: '2025-10-06',
      ...retiring('2026-12-01', '2026-06-02', 'gpt-image-2.6-flare'),
    },
    prices: always({
      input_uncached: '2',
      cache_read: '0.2',
      image_input: '2.5',
      image_cache_read: '0.25',
      output: '8',
      image_output: '8',
    }),
    page: `${MODEL_PAGES}/gpt-image-1-mini`,
    seenOn: '2026-10-28',
    firstHand: true,
  },
  {
    // 40 USD a million tokens of output; 4,160 of them are the page's "0.167 USD" of an image.
    ...IMAGES,
    id: 'gpt-image-1',
    displayName: 'GPT-Image-1',
    limits: { context: 32_000, output: 6_240 },
    lifecycle: {
      // https://openai.com/index/image-generation-api/
      released: '2025-04-23',
      ...retiring('2026-10-23', '2026-04-22', 'gpt-image-2.6-sunburst'),
    },
    prices: always({
      input_uncached: '5',
      cache_read: '1.25',
      image_input: '10',
      image_cache_read: '2.5',
      output: '40',
      image_output: '40',
    }),
    page: `${MODEL_PAGES}/gpt-image-1`,
    seenOn: '2026-10-28',
    firstHand: true,
  },
  {
    ...SPEECH,
    id: 'tts-1',
    names: ['tts-1-1106'],
    displayName: 'TTS-1',
    limits: { context: 4096, output: 1 },
    prices: always({ speech_character: '15' }),
    page: `${MODEL_PAGES}/tts-1`,
  },
  {
    ...SPEECH,
    id: 'tts-1-hd',
    names: ['tts-1-hd-1106'],
    displayName: 'TTS-1 HD',
    limits: { context: 4096, output: 1 },
    prices: always({ speech_character: '30' }),
    page: `${MODEL_PAGES}/tts-1-hd`,
  },
  {
    ...SPEECH,
    id: 'gpt-4o-mini-tts',
    names: ['gpt-4o-mini-tts-2025-03-20', 'gpt-4o-mini-tts-2025-12-15'],
    displayName: 'GPT-4o mini TTS',
    // "2,000 input tokens"; half an hour of speech is a bound of ours.
    limits: { context: 2000, output: 40_000 },
    prices: always({ input_uncached: '0.6', audio_output: '12' }),
    page: `${MODEL_PAGES}/gpt-4o-mini-tts`,
  },
  {
    ...TRANSCRIPTION,
    id: 'gpt-transcribe',
    displayName: 'GPT Transcribe',
    prices: always({ audio_second: '75' }),
    page: `${MODEL_PAGES}/gpt-transcribe`,
  },
  {
    ...TRANSCRIPTION,
    id: 'gpt-4o-transcribe',
    names: ['gpt-4o-transcribe-diarize'],
    displayName: 'GPT-4o Transcribe',
    lifecycle: UNTIL_FEBRUARY,
    prices: always({ input_uncached: '2.5', audio_input: '2.5', output: '10' }),
    page: `${MODEL_PAGES}/gpt-4o-transcribe`,
    firstHand: true,
  },
  {
    ...TRANSCRIPTION,
    id: 'gpt-4o-mini-transcribe',
    names: ['gpt-4o-mini-transcribe-2025-03-20', 'gpt-4o-mini-transcribe-2025-12-15'],
    displayName: 'GPT-4o mini Transcribe',
    lifecycle: UNTIL_FEBRUARY,
    prices: always({ input_uncached: '1.25', audio_input: '1.25', output: '5' }),
    page: `${MODEL_PAGES}/gpt-4o-mini-transcribe`,
  },
  {
    ...TRANSCRIPTION,
    id: 'whisper-1',
    displayName: 'Whisper',
    operations: ['transcriptions', 'translations'],
    // https://openai.com/index/introducing-chatgpt-and-whisper-apis/
    lifecycle: { released: '2023-03-01', ...UNTIL_FEBRUARY },
    prices: always({ audio_second: '100' }),
    page: `${MODEL_PAGES}/whisper-1`,
  },
  {
    ...MODEL,
    id: 'omni-moderation-latest',
    names: ['omni-moderation-2024-09-26'],
    displayName: 'omni-moderation',
    operations: ['moderations'],
    isFree: true,
    capabilities: { imageInput: true },
    limits: { context: 32_768, output: 1 },
    lifecycle: { released: '2024-09-26' },
    prices: [{ id: 'free', when: {}, prices: {} }],
    page: `${MODEL_PAGES}/omni-moderation-latest`,
    seenOn: '2026-11-05',
  },
];
