/**
 * The mock of all providers: @copilotkit/aimock on a loopback port answers every request with one
 * sentence and a token count. It is independent software, so that our reading of a dialect isn't
 * tested against itself. What it lacks is in mock-endpoints.ts.
 */
import { LLMock } from '@copilotkit/aimock';
import { estimateTokens, mountEndpoints } from './mock-endpoints.ts';
import { requireFreePort } from './ports.ts';

export type MockProviders = Readonly<{ url: string; stop(): Promise<void> }>;

const SENTENCE = 'Hello from the mock: no model was called, but the tokens are counted.';
/** As long as the sentence takes to say. */
const SECONDS = 4;

function buildUsage(input: number, output: number) {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    input_tokens: input,
    output_tokens: output,
    promptTokenCount: input,
    candidatesTokenCount: output,
    totalTokenCount: input + output,
  };
}

/** Silence as MP3: frames of 1,152 samples at 44.1 kHz and 128 kbit/s, whose sound is all zero. */
function buildSilence(seconds: number): string {
  const frame = Buffer.alloc(417);
  frame.writeUInt32BE(0xfffb9000);
  const count = Math.ceil((seconds * 44_100) / 1152);
  return Buffer.concat(Array.from({ length: count }, () => frame)).toString('base64');
}

/** Whisper is billed by the second, the models after it by the token. */
function buildTranscriptUsage(model: string) {
  if (model.startsWith('whisper')) return { type: 'duration', seconds: SECONDS };
  const input = SECONDS * 10;
  const output = estimateTokens(SENTENCE);
  return {
    type: 'tokens',
    input_tokens: input,
    input_token_details: { text_tokens: 0, audio_tokens: input },
    output_tokens: output,
    total_tokens: input + output,
  };
}

export async function startMock(port: number): Promise<MockProviders> {
  await requireFreePort(port, 'mock');
  const mock = new LLMock({ port, host: '127.0.0.1', logLevel: 'silent', journalMaxEntries: 1 });
  // One embedding of Gemini's own; the others are mounted.
  mock.onEmbedding(/[\s\S]*/, { embedding: Array.from({ length: 16 }, (_, index) => index / 16) });
  mock.onSpeech(/[\s\S]*/, { audio: buildSilence(SECONDS) });
  for (const endpoint of ['transcription', 'translation'] as const) {
    mock.on({ endpoint }, ({ model }) => ({
      transcription: {
        text: SENTENCE,
        duration: SECONDS,
        usage: buildTranscriptUsage(model),
      },
    }));
  }
  mock.on({ predicate: () => true }, (request) => ({
    content: SENTENCE,
    usage: buildUsage(estimateTokens(request.messages), estimateTokens(SENTENCE)),
  }));
  mountEndpoints(mock);
  await mock.start();
  return { url: mock.url, stop: () => mock.stop() };
}
