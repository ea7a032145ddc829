/**
 * What the gateway writes itself in Responses holds to the Open Responses specification.
 * OPENRESPONSES_SCHEMA names its schema, or the folder of it; skipped where it is unset.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DIALECT_SPECS } from './index.ts';
import { SchemaDocument } from './json-schema.testing.ts';

function findSchema(path: string): string {
  return existsSync(path) && statSync(path).isDirectory() ? join(path, 'openapi.json') : path;
}

const SCHEMA = findSchema(process.env.OPENRESPONSES_SCHEMA ?? '');
const { answer, errors } = DIALECT_SPECS.responses;

/** The component of each event's schema, by the type of the event. */
const COMPONENTS: ReadonlyMap<string, string> = new Map([
  ['error', 'ErrorStreamingEvent'],
  ['response.created', 'ResponseCreatedStreamingEvent'],
  ['response.in_progress', 'ResponseInProgressStreamingEvent'],
  ['response.output_item.added', 'ResponseOutputItemAddedStreamingEvent'],
  ['response.output_item.done', 'ResponseOutputItemDoneStreamingEvent'],
  ['response.content_part.added', 'ResponseContentPartAddedStreamingEvent'],
  ['response.content_part.done', 'ResponseContentPartDoneStreamingEvent'],
  ['response.output_text.delta', 'ResponseOutputTextDeltaStreamingEvent'],
  ['response.output_text.done', 'ResponseOutputTextDoneStreamingEvent'],
  ['response.function_call_arguments.delta', 'ResponseFunctionCallArgumentsDeltaStreamingEvent'],
  ['response.function_call_arguments.done', 'ResponseFunctionCallArgumentsDoneStreamingEvent'],
  ['response.reasoning_summary_part.added', 'ResponseReasoningSummaryPartAddedStreamingEvent'],
  ['response.reasoning_summary_part.done', 'ResponseReasoningSummaryPartDoneStreamingEvent'],
  ['response.reasoning_summary_text.delta', 'ResponseReasoningSummaryDeltaStreamingEvent'],
  ['response.reasoning_summary_text.done', 'ResponseReasoningSummaryDoneStreamingEvent'],
  ['response.completed', 'ResponseCompletedStreamingEvent'],
  ['response.incomplete', 'ResponseIncompleteStreamingEvent'],
  ['response.failed', 'ResponseFailedStreamingEvent'],
]);

const USAGE = {
  input_tokens: 11,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 3,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 14,
};
const text = { type: 'output_text', text: 'Hello', annotations: [], logprobs: [] };
const OUTPUT = [
  { id: 'rs_1', type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm' }] },
  { id: 'msg_1', type: 'message', role: 'assistant', status: 'completed', content: [text] },
  {
    ...{ id: 'fc_1', type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
    status: 'completed',
  },
];
const RESPONSE = {
  ...{ id: 'resp_1', object: 'response', created_at: 1, completed_at: 2, status: 'completed' },
  ...{ error: null, incomplete_details: null, instructions: null, model: 'm', output: OUTPUT },
  ...{ tools: [], tool_choice: 'auto', parallel_tool_calls: true, previous_response_id: null },
  ...{ reasoning: null, text: { format: { type: 'text' } }, truncation: 'disabled' },
  ...{ temperature: 1, top_p: 1, top_logprobs: 0, presence_penalty: 0, frequency_penalty: 0 },
  ...{ max_output_tokens: null, max_tool_calls: null, background: false, store: false },
  ...{ service_tier: 'default', usage: USAGE, metadata: {}, safety_identifier: null },
  prompt_cache_key: null,
};

type Event = Readonly<Record<string, unknown>>;

function parseEvents(framed: string): Event[] {
  const lines = framed.split('\n').filter((line) => line.startsWith('data: '));
  return lines.map((line) => JSON.parse(line.slice('data: '.length)));
}

describe.skipIf(!existsSync(SCHEMA))('the schema of Open Responses (OPENRESPONSES_SCHEMA)', () => {
  const schema = new SchemaDocument(
    existsSync(SCHEMA) ? JSON.parse(readFileSync(SCHEMA, 'utf8')) : {},
  );

  function check(events: readonly Event[]): void {
    for (const event of events) {
      const type = String(event.type);
      expect([type, schema.check(COMPONENTS.get(type) ?? '', event)]).toEqual([type, []]);
    }
  }

  it('holds for a response that these tests take for one, and for no other value', () => {
    expect(schema.check('ResponseResource', RESPONSE)).toEqual([]);
    expect(schema.check('ResponseResource', { ...RESPONSE, output: 'x' })).not.toEqual([]);
    expect(schema.check('ResponseResource', { ...RESPONSE, usage: undefined })).not.toEqual([]);
  });

  it('holds for the events that a document becomes', () => {
    const events = answer.toEvents(RESPONSE, true);
    expect(events.map(({ type }) => type)).toContain('response.reasoning_summary_text.delta');
    expect(events.at(-1)).toMatchObject({ type: 'response.completed' });
    check(events);
    const incomplete = { ...RESPONSE, status: 'incomplete' };
    expect(answer.toEvents(incomplete, true).at(-1)).toMatchObject({ type: 'response.incomplete' });
    check(answer.toEvents(incomplete, true));
  });

  it.each(['invalid_request', 'overloaded', 'billing', 'internal'] as const)(
    'holds for the error of the kind %s that ends a stream',
    (kind) => {
      const json = errors.toJson({
        ...{ kind, message: 'm', code: 'c', sdkCode: null, param: null, details: {} },
        ...{ requestId: 'r', status: 500, retryAfterSeconds: null },
      });
      const place = {
        format: 'events' as const,
        eventCount: 5,
        model: 'm',
        now: 1_700_000_000_000,
        requestId: 'r',
      };
      const events = parseEvents(errors.toEvent(json, place));
      expect(events).toMatchObject([
        { type: 'error', sequence_number: 5 },
        { type: 'response.failed', sequence_number: 6 },
      ]);
      check(events);
    },
  );

  it('holds for an error over WebSocket', () => {
    const json = errors.toJson({
      ...{ kind: 'billing', message: 'm', code: 'c', sdkCode: null, param: null, details: {} },
      ...{ requestId: 'r', status: 402, retryAfterSeconds: null },
    });
    const event = { type: 'error', status: 402, ...JSON.parse(json) };
    expect(schema.check('WebSocketErrorEvent', event)).toEqual([]);
  });
});
