/** Each feature of a request to Responses is priced, bounded or refused. */
import { describe, expect, it } from 'vitest';
import { editRequest, parseRequest, type RequestFacts } from './index.ts';

const encoder = new TextEncoder();
const HELLO = [{ role: 'user', content: 'Hello' }];

function parse(more: object, endpoint: 'responses' | 'responses_compact' = 'responses') {
  return parseRequest(
    endpoint,
    encoder.encode(JSON.stringify({ model: 'gpt-5', input: HELLO, ...more })),
  );
}

function parseFacts(more: object): RequestFacts {
  const result = parse(more);
  if (!result.ok) throw new Error(JSON.stringify(result));
  return result.facts;
}

const withPart = (part: object) => ({ input: [{ role: 'user', content: [part] }] });
const withTool = (tool: object) => ({ tools: [tool] });
const withInterpreter = (container: unknown) => withTool({ type: 'code_interpreter', container });
const INLINE = { maxInputTokens: expect.any(Number), unknownFields: 0, surchargeBounds: [] };
const WINDOW = { maxInputTokens: 'context_window' };

describe('a request to Responses', () => {
  it('has the facts of its own fields', () => {
    expect(parseFacts({ stream: true, max_output_tokens: 50, service_tier: 'flex' })).toMatchObject(
      {
        dialect: 'responses',
        endpoint: 'responses',
        stream: true,
        maxOutput: 50,
        choices: 1,
        terms: { tier: 'flex' },
      },
    );
    expect(parseFacts({ input: 'Hello' })).toMatchObject(INLINE);
  });

  const INLINE_FEATURES: readonly (readonly [string, object])[] = [
    ['a function', withTool({ type: 'function', name: 'f', parameters: {}, strict: false })],
    [
      'a custom tool with a grammar',
      withTool({
        type: 'custom',
        name: 'p',
        format: { type: 'grammar', syntax: 'lark', definition: 'x' },
      }),
    ],
    ['a search for tools by the client', withTool({ type: 'tool_search', execution: 'client' })],
    [
      'a namespace of functions',
      withTool({ type: 'namespace', name: 'n', tools: [{ type: 'function', name: 'f' }] }),
    ],
    ['a schema', { text: { format: { type: 'json_schema', name: 's', schema: {} } } }],
    [
      'an image in the body',
      withPart({ type: 'input_image', image_url: 'data:image/png;base64,aGk=' }),
    ],
    [
      'reasoning without an id or a content',
      {
        input: [
          ...HELLO,
          { type: 'reasoning', summary: [], content: null, encrypted_content: 'x' },
        ],
      },
    ],
    [
      'the calls of an agent and their outputs',
      {
        input: [
          { type: 'message', role: 'developer', content: [{ type: 'input_text', text: 'x' }] },
          { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
          { type: 'function_call_output', call_id: 'c', output: 'ok' },
          { type: 'custom_tool_call', call_id: 'd', name: 'p', input: 'x' },
          {
            type: 'custom_tool_call_output',
            call_id: 'd',
            output: [{ type: 'input_text', text: 'x' }],
          },
          { type: 'shell_call_output', call_id: 'e', output: [{ stdout: 'x', stderr: '' }] },
          { type: 'compaction', encrypted_content: 'x' },
        ],
      },
    ],
    [
      'what Codex sends',
      { client_metadata: { a: 'b' }, include: ['reasoning.encrypted_content'], store: false },
    ],
  ];
  it.each(INLINE_FEATURES)('bounds %s by its bytes', (_, more) => {
    expect(parseFacts(more)).toMatchObject(INLINE);
  });

  const WINDOW_FEATURES: readonly (readonly [string, object])[] = [
    [
      'an image elsewhere',
      withPart({ type: 'input_image', image_url: 'https://example.com/a.png' }),
    ],
    [
      'a file in the body',
      withPart({ type: 'input_file', file_data: 'data:application/pdf;base64,aGk=' }),
    ],
    ['a file elsewhere', withPart({ type: 'input_file', file_url: 'https://example.com/a.pdf' })],
    [
      'a picture of a screen elsewhere',
      {
        input: [
          {
            type: 'computer_call_output',
            call_id: 'c',
            output: { type: 'computer_screenshot', image_url: 'https://example.com/a.png' },
          },
        ],
      },
    ],
    ['an item of an unknown type', { input: [{ type: 'hologram', role: 'user' }] }],
    ['the use of a computer', withTool({ type: 'computer' })],
    ['a local shell', withTool({ type: 'shell', environment: { type: 'local' } })],
    ['a patch tool', withTool({ type: 'apply_patch' })],
    [
      'an MCP server',
      withTool({ type: 'mcp', server_label: 's', server_url: 'https://example.com' }),
    ],
    ['a search for tools by the provider', withTool({ type: 'tool_search' })],
    ['compaction inside the response', { context_management: [{ type: 'compaction' }] }],
  ];
  it.each(WINDOW_FEATURES)('bounds %s by the context window', (_, more) => {
    expect(parseFacts(more)).toMatchObject(WINDOW);
  });

  it('bounds searches by the limit of calls that it states, and by ten otherwise', () => {
    const search = withTool({ type: 'web_search', search_context_size: 'low' });
    const bounds = (count: number) => ({
      ...WINDOW,
      surchargeBounds: [{ kind: 'web_search', maxCount: count }],
      serverPasses: count + 1,
      unknownFields: 0,
    });
    expect(parseFacts(search)).toMatchObject(bounds(10));
    expect(parseFacts({ ...search, max_tool_calls: 30 })).toMatchObject(bounds(30));
    expect(parseFacts({ ...search, max_tool_calls: 2 })).toMatchObject(bounds(10));
  });

  it.each([
    ['tool_search_output', { type: 'tool_search_output', call_id: 'c' }],
    ['additional_tools', { type: 'additional_tools', role: 'developer' }],
  ])('bounds a search that an item of type %s brings', (_, item) => {
    const tools = [{ type: 'namespace', name: 'n', tools: [{ type: 'web_search' }] }];
    expect(parseFacts({ input: [{ ...item, tools }] })).toMatchObject({
      surchargeBounds: [{ kind: 'web_search', maxCount: 10 }],
    });
  });

  it('takes the list of an MCP server’s tools, which have no types, as a text', () => {
    const tools = [{ name: 't', input_schema: { type: 'object' } }];
    expect(
      parseFacts({ input: [{ type: 'mcp_list_tools', server_label: 's', tools }] }),
    ).toMatchObject(INLINE);
  });

  const REFUSED: readonly (readonly [field: string, object])[] = [
    ['store', { store: true }],
    ['store', { store: 'false' }],
    ['previous_response_id', { previous_response_id: 'resp_1' }],
    ['conversation', { conversation: 'conv_1' }],
    ['background', { background: true }],
    ['prompt', { prompt: { id: 'pmpt_1' } }],
    [
      'prompt_cache_options.comparison_response_id',
      { prompt_cache_options: { comparison_response_id: 'r' } },
    ],
    ['reasoning.mode', { reasoning: { mode: 'pro' } }],
    ['multi_agent', { multi_agent: { enabled: true } }],
    ['service_tier', { service_tier: 'scale' }],
    ['modalities', { modalities: ['audio'] }],
    ['input[0]', { input: [{ type: 'item_reference', id: 'rs_1' }] }],
    ['input[0]', { input: [{ id: 'rs_1' }] }],
    ['input[0].content[0].file_id', withPart({ type: 'input_file', file_id: 'file_1' })],
    ['input[0].content[0].file_id', withPart({ type: 'input_image', file_id: 'file_1' })],
    ['input[0].content[0]', withPart({ type: 'input_audio', input_audio: { data: 'x' } })],
    ['tools[0]', withTool({ type: 'file_search', vector_store_ids: ['vs_1'] })],
    ['tools[0]', withTool({ type: 'image_generation' })],
    ['tools[0]', withTool({ type: 'web_search_preview' })],
    ['tools[0].container', withInterpreter('cntr_1')],
    ['tools[0].container', withInterpreter({ type: 'auto', file_ids: ['file_1'] })],
    ['tools[0].container', withInterpreter({ type: 'auto', file_ids: 'file_1' })],
    ['tools[0].container', withInterpreter({ type: 'container_reference', id: 'cntr_1' })],
    ['tools[0].container.memory_limit', withInterpreter({ type: 'auto', memory_limit: '64g' })],
    ['tools[0]', withTool({ type: 'shell' })],
    ['tools[0]', withTool({ type: 'shell', environment: { type: 'container_auto' } })],
    [
      'tools[0]',
      withTool({ type: 'shell', environment: { type: 'container_reference', container_id: 'c' } }),
    ],
  ];
  it.each(REFUSED)('is refused for %s: %j', (field, more) => {
    expect(parse(more)).toMatchObject({ ok: false, reason: 'unsupported_feature', field });
  });

  it('says with the provider’s own code that an earlier response is not there', () => {
    expect(parse({ previous_response_id: 'resp_1' })).toMatchObject({
      sdkCode: 'previous_response_not_found',
    });
  });

  it.each([
    ['/v1/chat/completions', { input: undefined, messages: HELLO }],
    ['/v1/chat/completions', { input: [{ role: 'tool', tool_call_id: 'c', content: 'x' }] }],
    ['/v1/chat/completions', withTool({ type: 'function', function: { name: 'f' } })],
    ['/v1/messages', { input: undefined, system: 'x' }],
  ])('is sent to %s where it is a body of that: %j', (correctEndpoint, more) => {
    expect(parse(more)).toMatchObject({ reason: 'wrong_dialect', correctEndpoint });
  });
});

function edit(text: string, defaults: readonly string[]): string {
  const bytes = encoder.encode(text);
  const result = parseRequest('responses', bytes);
  if (!result.ok) throw new Error(JSON.stringify(result));
  const edits = {
    model: 'm',
    maxOutput: null,
    renameMaxTokens: false,
    includeUsage: false,
    defaults,
  };
  return Buffer.concat(editRequest(bytes, result.facts, edits)).toString();
}

describe('the body for the provider', () => {
  it('says that nothing is stored where the request does not', () => {
    expect(edit('{"model":"m","input":"x"}', ['store'])).toBe(
      '{"store":false,"model":"m","input":"x"}',
    );
    expect(edit('{"model":"m","store": null,"input":"x"}', ['store'])).toBe(
      '{"model":"m","store": false,"input":"x"}',
    );
    expect(edit('{"model":"m","store": false,"input":"x"}', ['store'])).toBe(
      '{"model":"m","store": false,"input":"x"}',
    );
  });

  it('limits the calls of the provider’s tools where the request does not', () => {
    const facts = parseFacts(withTool({ type: 'web_search' }));
    expect(facts.positions.defaults.map(({ field }) => field)).toEqual(['store', 'max_tool_calls']);
    const own = parseFacts({
      ...withTool({ type: 'web_search' }),
      max_tool_calls: 3,
      store: false,
    });
    expect(own.positions.defaults).toEqual([]);
  });

  it('of a compaction has no field that the request does not have', () => {
    const result = parse({}, 'responses_compact');
    expect(result).toMatchObject({
      ok: true,
      facts: { positions: { defaults: [], outputLimits: [] } },
    });
  });
});
