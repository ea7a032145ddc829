/**
 * How the playground speaks each wire format, by its path in the list of models: the request's
 * body, and what an event of its stream says: text, and reasoning, which is paid for and not shown.
 * Members that are undefined leave no trace in JSON. What the format puts around a prompt, its frames,
 * and whether its providers cache unasked, decide on what is held for a call.
 */
export const PLAYGROUND_DIALECTS_SCRIPT = `
const textParts = (text) => [{ text }];
const joinParts = (event, thought) =>
  (event.candidates?.[0]?.content?.parts ?? [])
    .filter((part) => Boolean(part.thought) === thought)
    .map((part) => part.text ?? '')
    .join('');
const DIALECTS = {
  '/v1/chat/completions': {
    name: 'Chat Completions',
    path: () => '/v1/chat/completions',
    body: ({ model, system, turns, limit, temperature }) => ({
      model,
      messages: [...(system === '' ? [] : [{ role: 'system', content: system }]), ...turns],
      max_completion_tokens: limit,
      temperature,
    }),
    streamed: (body) => ({ ...body, stream: true }),
    countFrames: ({ messages: turns }) => turns.length,
    cachesUnasked: true,
    read: (event) => ({
      text: event.choices?.[0]?.delta?.content,
      thought: event.choices?.[0]?.delta?.reasoning_content ?? event.choices?.[0]?.delta?.reasoning,
      isCut: event.choices?.[0]?.finish_reason === 'length',
      error: event.error?.message,
    }),
  },
  '/v1/messages': {
    name: 'Messages',
    path: () => '/v1/messages',
    body: ({ model, system, turns, limit, temperature }) => ({
      model,
      system: system === '' ? undefined : system,
      messages: turns,
      max_tokens: limit,
      temperature,
    }),
    streamed: (body) => ({ ...body, stream: true }),
    countFrames: ({ messages: turns }) => turns.length,
    cachesUnasked: false,
    read: (event) => ({
      text: event.delta?.text,
      thought: event.delta?.thinking,
      isCut: event.delta?.stop_reason === 'max_tokens',
      error: event.error?.message,
    }),
  },
  '/v1/responses': {
    name: 'Responses',
    path: () => '/v1/responses',
    body: ({ model, system, turns, limit, temperature }) => ({
      model,
      instructions: system === '' ? undefined : system,
      input: turns,
      max_output_tokens: limit,
      temperature,
    }),
    streamed: (body) => ({ ...body, stream: true }),
    countFrames: ({ input }) => input.length,
    cachesUnasked: true,
    read: (event) => ({
      text: event.type === 'response.output_text.delta' ? event.delta : undefined,
      thought: event.type?.startsWith('response.reasoning') ? event.delta : undefined,
      isCut: event.type === 'response.incomplete',
      error: event.type === 'error'
        ? event.message ?? event.error?.message
        : event.response?.error?.message,
    }),
  },
  '/v1beta/models/{model}:generateContent': {
    name: 'Gemini',
    path: (model, stream) =>
      '/v1beta/models/' + model + (stream ? ':streamGenerateContent?alt=sse' : ':generateContent'),
    body: ({ system, turns, limit, temperature }) => ({
      systemInstruction: system === '' ? undefined : { parts: textParts(system) },
      contents: turns.map(({ role, content }) => ({
        role: role === 'user' ? 'user' : 'model',
        parts: textParts(content),
      })),
      generationConfig: { maxOutputTokens: limit, temperature },
    }),
    streamed: (body) => body,
    countFrames: ({ systemInstruction, contents }) =>
      2 * (contents.length + (systemInstruction === undefined ? 0 : 1)),
    cachesUnasked: false,
    read: (event) => ({
      text: joinParts(event, false),
      thought: joinParts(event, true),
      isCut: event.candidates?.[0]?.finishReason === 'MAX_TOKENS',
      error: event.error?.message,
    }),
  },
};
/**
 * Returns the API in which a model starts: Gemini's where it has that, because only its own provider
 * does; the newer Responses, unless its provider takes Messages too, which documents Chat
 * Completions first; else the first that is served.
 */
function findStartPath(paths) {
  const gemini = '/v1beta/models/{model}:generateContent';
  if (paths.includes(gemini)) return gemini;
  const takesBoth = paths.includes('/v1/messages');
  return paths.includes('/v1/responses') && !takesBoth ? '/v1/responses' : paths[0];
}
`;
