/** A valid request to each operation, and the answer of a provider to it. */
export type OperationCall = Readonly<{
  path: string;
  model: string;
  /** The fields beside the model, in JSON; a file goes into a form with them. */
  fields: Readonly<Record<string, unknown>>;
  file: Uint8Array | null;
  answer: object;
  /** What the provider's answer costs, in nano-USD. */
  cost: bigint;
}>;

/** One second of 16,000 samples of 16 bits. */
function buildWav(): Uint8Array {
  const header = Buffer.alloc(44);
  header.write('RIFF\0\0\0\0WAVEfmt ', 0, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(16_000, 24);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  return Buffer.concat([header, new Uint8Array(32_000)]);
}

/** Prices of OpenAI's, xAI's and Cohere's pages, as the catalog has them. */
const CALLS = {
  embeddings: {
    path: '/v1/embeddings',
    model: 'text-embedding-3-small',
    fields: { input: 'The food was delicious' },
    file: null,
    answer: {
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [0.25] }],
      usage: { prompt_tokens: 8, total_tokens: 8 },
    },
    cost: 8n * 20n,
  },
  images: {
    path: '/v1/images/generations',
    model: 'xai/grok-imagine-image',
    fields: { prompt: 'A cat' },
    file: null,
    answer: { created: 1, data: [{ b64_json: 'AAAA' }] },
    cost: 20_000_000n,
  },
  image_edits: {
    path: '/v1/images/edits',
    model: 'xai/grok-imagine-image',
    fields: { prompt: 'A hat', image: 'data:image/png;base64,aGk=' },
    file: null,
    answer: { created: 1, data: [{ b64_json: 'AAAA' }] },
    cost: 22_000_000n,
  },
  speech: {
    path: '/v1/audio/speech',
    model: 'tts-1-hd',
    fields: { input: 'Hello', voice: 'nova' },
    file: null,
    answer: {},
    cost: 5n * 30_000n,
  },
  transcriptions: {
    path: '/v1/audio/transcriptions',
    model: 'whisper-1',
    fields: {},
    file: buildWav(),
    answer: { text: 'Hello', usage: { type: 'duration', seconds: 1 } },
    cost: 100_000n,
  },
  translations: {
    path: '/v1/audio/translations',
    model: 'whisper-1',
    fields: {},
    file: buildWav(),
    answer: { text: 'Hello', duration: 1 },
    cost: 100_000n,
  },
  moderations: {
    path: '/v1/moderations',
    model: 'omni-moderation-latest',
    fields: { input: 'Hello' },
    file: null,
    answer: { id: 'modr-1', results: [{ flagged: false }] },
    cost: 0n,
  },
  rerank: {
    path: '/v1/rerank',
    model: 'cohere/rerank-v3.5',
    fields: { query: 'Which?', documents: ['a', 'b'] },
    file: null,
    answer: {
      results: [{ index: 0, relevance_score: 0.9 }],
      meta: { billed_units: { search_units: 1 } },
    },
    cost: 2_000_000n,
  },
} satisfies Readonly<Record<string, OperationCall>>;

export type Operation = keyof typeof CALLS;
export const OPERATION_CALLS: Readonly<Record<Operation, OperationCall>> = CALLS;
export const OPERATIONS: readonly Operation[] = [
  'embeddings',
  'images',
  'image_edits',
  'speech',
  'transcriptions',
  'translations',
  'moderations',
  'rerank',
];

/** Builds the body of a call, with further fields or other values. */
export function buildOperationBody(
  { model, fields, file }: OperationCall,
  more: Readonly<Record<string, unknown>> = {},
): BodyInit {
  const all = Object.entries({ model, ...fields, ...more });
  if (file === null) return JSON.stringify(Object.fromEntries(all));
  const form = new FormData();
  for (const [name, value] of all) form.append(name, String(value));
  form.append('file', new Blob([new Uint8Array(file)], { type: 'audio/wav' }), 'a.wav');
  return form;
}
