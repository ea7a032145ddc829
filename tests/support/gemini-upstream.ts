/** Answers of Gemini's own API, as a scripted provider writes them. */
import type { ServerResponse } from 'node:http';
import { openStream, sleep } from './scripted-upstream.ts';

/** Tokens, of which `cached` (0 by default) are part of `input`, and `thoughts` no part of `output`. */
export type GeminiCounts = Readonly<{
  input: number;
  output: number;
  thoughts?: number;
  cached?: number;
}>;

export function usageMetadata({ input, output, thoughts = 0, cached = 0 }: GeminiCounts) {
  return {
    promptTokenCount: input,
    candidatesTokenCount: output,
    totalTokenCount: input + output + thoughts,
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: input }],
    ...(thoughts === 0 ? {} : { thoughtsTokenCount: thoughts }),
    ...(cached === 0 ? {} : { cachedContentTokenCount: cached }),
    serviceTier: 'standard',
  };
}

type Parts = readonly unknown[];

/** A GenerateContentResponse; an event of a stream is one too. */
export function geminiResponse(
  parts: Parts,
  counts: GeminiCounts,
  finishReason: string | null = 'STOP',
) {
  const content = { role: 'model', parts };
  const finish = finishReason === null ? {} : { finishReason };
  return {
    candidates: [{ content, ...finish, index: 0 }],
    usageMetadata: usageMetadata(counts),
    modelVersion: 'gemini-3.5-flash',
    responseId: 'r',
  };
}

/** The events of a stream of texts: each counts everything so far. */
export function geminiEvents(texts: readonly string[], counts: GeminiCounts): unknown[] {
  return texts.map((text, index) => {
    const isLast = index === texts.length - 1;
    const output = isLast ? counts.output : index + 1;
    return geminiResponse([{ text }], { ...counts, output }, isLast ? 'STOP' : null);
  });
}

/** Sends events as Google frames them. */
export async function sendGeminiEvents(
  response: ServerResponse,
  events: readonly unknown[],
  pauseMs = 0,
): Promise<void> {
  openStream(response);
  for (const event of events) {
    response.write(`data: ${JSON.stringify(event)}\r\n\r\n`);
    await sleep(pauseMs);
  }
  response.end();
}

/** Sends events as Google does without `alt=sse`: one array, each element when it is there. */
export async function sendGeminiArray(
  response: ServerResponse,
  events: readonly unknown[],
  pauseMs = 0,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/json; charset=UTF-8' });
  for (const [index, event] of events.entries()) {
    response.write(`${index === 0 ? '[' : '\n,\r\n'}${JSON.stringify(event, null, 2)}`);
    await sleep(pauseMs);
  }
  response.end('\n]');
}
