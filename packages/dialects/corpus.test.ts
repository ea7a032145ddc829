/**
 * Recorded requests are parsed, unless they use a rejected feature, and their provider's count of
 * input tokens is within our bound. FAREBOX_CORPUS names the folder; skipped where it is unset.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Dialect, parseRequest } from './index.ts';

const root = process.env.FAREBOX_CORPUS;

/** By name of the case: the field that it is rejected for. */
const REJECTED: ReadonlyMap<string, string> = new Map([
  [
    'pyd-anthropic-code-execution-files-cache-prefix-stable-automatic-sonnet-5-2-json',
    'messages[0].content[1].file_id',
  ],
  ['pyd-document-url-input-2-err', 'messages[0].content[1].file_id'],
  ['pyd-openrouter-stream-with-native-options-sse', 'models'],
  ['pyd-google-model-file-search-grounding-gemini-3-true-4-sse', 'tools[0].fileSearch'],
  ['pyd-google-url-input-audiourl-gs-json', 'contents[0].parts[1].fileData'],
  [
    'pyd-multimodal-tool-return-matrix-tool-return-content-uploaded-file-docume-3-json',
    'contents[5].parts[0].fileData',
  ],
  [
    'pyd-openai-previous-response-id-seed-auto-chains-through-retries-2-json',
    'previous_response_id',
  ],
]);

/** What a URL says where the body does not name the model. */
const URL_TARGET = { version: 'v1beta', model: 'm', method: 'm', streamFormat: null };

const DIALECTS: ReadonlyMap<string, Dialect> = new Map([
  ['openai-chat', 'chat'],
  ['openai-responses', 'responses'],
  ['anthropic-messages', 'messages'],
  ['gemini-generate', 'gemini'],
]);

function cases(
  folder: string,
): { name: string; dialect: Dialect; body: Uint8Array; input: number }[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('request.json'))
    .flatMap((file) => {
      const meta = join(folder, dirname(file), 'meta.json');
      const recorded = existsSync(meta) ? JSON.parse(readFileSync(meta, 'utf8')) : {};
      const dialect = DIALECTS.get(recorded.api);
      if (dialect === undefined) return [];
      const reportedInput = recorded.request_elided === 0 ? (recorded.usage?.input_total ?? 0) : 0;
      const body = readFileSync(join(folder, file));
      return [{ name: dirname(file).split('/').at(-1) ?? '', dialect, body, input: reportedInput }];
    });
}

describe('recorded requests', () => {
  if (root === undefined) {
    it.skip('skipped: set FAREBOX_CORPUS to the folder of recordings to run these', () => {});
    return;
  }
  const all = cases(root);

  it('exist in the corpus', () => {
    expect(all.length).toBeGreaterThan(100);
  });

  it.each(all)('parses $name ($dialect) and bounds its input', ({ name, dialect, body, input }) => {
    const result = parseRequest(dialect, body, URL_TARGET);
    const rejectedField = REJECTED.get(name);
    if (rejectedField !== undefined) {
      expect(result).toMatchObject({ reason: 'unsupported_feature', field: rejectedField });
      return;
    }
    expect(result).toMatchObject({ ok: true, facts: { unknownFields: 0 } });
    if (!result.ok || result.facts.maxInputTokens === 'context_window') return;
    expect(result.facts.maxInputTokens).toBeGreaterThanOrEqual(input);
  });
});
