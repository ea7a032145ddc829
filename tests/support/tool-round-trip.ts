/**
 * A provider of each dialect that plays a round trip over a tool: it calls the tool, and answers once
 * a request has what the tool returned. A request without tools, such as an agent's for a title, gets
 * a short text.
 */
import type { ServerResponse } from 'node:http';
import type { WebSocket } from 'ws';
import { geminiEvents, geminiResponse, sendGeminiEvents } from './gemini-upstream.ts';
import {
  type Counts,
  chatChunk,
  chatCompletion,
  chatEvents,
  chatUsage,
  emptyResponseEvents,
  endChatStream,
  messageEvents,
  messageResponse,
  messageStream,
  type ReceivedRequest,
  responseDocument,
  responseEvents,
  responseStream,
  type SocketHandler,
  sendJson,
  sendStream,
  type UpstreamHandler,
} from './scripted-upstream.ts';

type FunctionCall = Readonly<{ name: string; args: object }>;
/** A call of a custom tool of Responses, whose input is free text. */
type CustomCall = Readonly<{ name: string; namespace: string; input: string }>;
type ToolCall = FunctionCall | CustomCall;

type Answers = Readonly<{
  callDocument: (call: ToolCall, counts: Counts) => unknown;
  textDocument: (text: string, counts: Counts) => unknown;
  sendCall: (response: ServerResponse, call: ToolCall, counts: Counts) => Promise<void>;
  sendText: (response: ServerResponse, text: string, counts: Counts) => Promise<void>;
}>;

/** Splits a text in two, as arguments of tools arrive. */
function halve(text: string): readonly string[] {
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)];
}

/** The arguments of a function; where a dialect has no custom tools, the text is one of them. */
function toArgs(call: ToolCall): object {
  return 'args' in call ? call.args : { input: call.input };
}

function chatToolCall(call: ToolCall) {
  const fields = { name: call.name, arguments: JSON.stringify(toArgs(call)) };
  return { id: 'call_1', type: 'function', function: fields };
}

function chatCallEvents(call: ToolCall, counts: Counts): string[] {
  const first = { ...chatToolCall(call), function: { name: call.name, arguments: '' } };
  return [
    chatChunk({ role: 'assistant', content: null, tool_calls: [{ index: 0, ...first }] }, null),
    ...halve(JSON.stringify(toArgs(call))).map((piece) =>
      chatChunk({ tool_calls: [{ index: 0, function: { arguments: piece } }] }, null),
    ),
    ...endChatStream('tool_calls', counts),
  ];
}

function chatCallDocument(call: ToolCall, counts: Counts): unknown {
  const message = { role: 'assistant', content: null, tool_calls: [chatToolCall(call)] };
  return {
    ...(chatCompletion('', counts) as object),
    choices: [{ index: 0, message, finish_reason: 'tool_calls' }],
    usage: chatUsage(counts),
  };
}

const toolUse = (call: ToolCall) => ({
  ...{ type: 'tool_use', id: 'toolu_1', name: call.name, input: toArgs(call) },
});

function messageCallEvents(call: ToolCall, counts: Counts): string[] {
  const deltas = halve(JSON.stringify(toArgs(call))).map((partial_json) => ({
    type: 'input_json_delta',
    partial_json,
  }));
  return messageStream({ ...toolUse(call), input: {} }, deltas, 'tool_use', counts);
}

function messageCallDocument(call: ToolCall, counts: Counts): unknown {
  const document = messageResponse('', counts) as object;
  return { ...document, content: [toolUse(call)], stop_reason: 'tool_use' };
}

/** The item of a call, the name of its text, and how the events that fill it begin. */
function toCallItem(call: ToolCall) {
  const common = { call_id: 'call_1', name: call.name, status: 'completed' };
  if ('args' in call) {
    const text = JSON.stringify(call.args);
    const item = { id: 'fc_1', type: 'function_call', ...common, arguments: text };
    return { item, field: 'arguments', text, event: 'response.function_call_arguments' } as const;
  }
  const { namespace, input } = call;
  const item = { id: 'ctc_1', type: 'custom_tool_call', ...common, namespace, input };
  return { item, field: 'input', text: input, event: 'response.custom_tool_call_input' } as const;
}

function responseCallEvents(call: ToolCall, counts: Counts): string[] {
  const { item, field, text, event } = toCallItem(call);
  const place = { item_id: item.id, output_index: 0 };
  const filling = [
    ...halve(text).map((delta) => ({ type: `${event}.delta`, ...place, delta })),
    { type: `${event}.done`, ...place, [field]: text },
  ];
  const added = { ...item, [field]: '', status: 'in_progress' };
  return responseStream(added, filling, item, counts);
}

const geminiCall = (call: ToolCall) => ({
  functionCall: { name: call.name, args: toArgs(call) },
  thoughtSignature: 'c2ln',
});

/** What a provider of each dialect writes. */
const ANSWERS = {
  chat: {
    callDocument: chatCallDocument,
    textDocument: chatCompletion,
    sendCall: (response, call, counts) => sendStream(response, chatCallEvents(call, counts), 5),
    sendText: (response, text, counts) => sendStream(response, chatEvents(halve(text), counts), 5),
  },
  messages: {
    callDocument: messageCallDocument,
    textDocument: messageResponse,
    sendCall: (response, call, counts) => sendStream(response, messageCallEvents(call, counts), 5),
    sendText: (response, text, counts) =>
      sendStream(response, messageEvents(halve(text), counts), 5),
  },
  responses: {
    callDocument: (call, counts) => responseDocument([toCallItem(call).item], counts),
    textDocument: responseDocument,
    sendCall: (response, call, counts) => sendStream(response, responseCallEvents(call, counts), 5),
    sendText: (response, text, counts) =>
      sendStream(response, responseEvents(halve(text), counts), 5),
  },
  gemini: {
    callDocument: (call, counts) => geminiResponse([geminiCall(call)], counts),
    textDocument: (text, counts) => geminiResponse([{ text }], counts),
    sendCall: (response, call, counts) =>
      sendGeminiEvents(response, [geminiResponse([geminiCall(call)], counts)], 5),
    sendText: (response, text, counts) =>
      sendGeminiEvents(response, geminiEvents(halve(text), counts), 5),
  },
} satisfies Record<string, Answers>;

export type ToolRoundTrip = Readonly<{
  dialect: keyof typeof ANSWERS;
  call: ToolCall;
  /** Finds in a request what the tool returned; its first group is what the answer says of it. */
  result: RegExp;
  answer: (result: string) => string;
  counts: Readonly<{ call: Counts; answer: Counts; title: Counts }>;
}>;

type Step = Readonly<
  { name: 'call'; counts: Counts } | { name: 'answer' | 'title'; text: string; counts: Counts }
>;

/** Responses may have its tools among the items of the input. */
const HAS_TOOLS = /"tools":\s*\[\s*\{/;

function chooseStep({ result, answer, counts }: ToolRoundTrip, body: string): Step {
  const found = result.exec(body)?.[1];
  if (found !== undefined) return { name: 'answer', text: answer(found), counts: counts.answer };
  if (HAS_TOOLS.test(body)) return { name: 'call', counts: counts.call };
  return { name: 'title', text: 'A title', counts: counts.title };
}

function isStreamed({ path, body }: ReceivedRequest): boolean {
  return path.includes(':stream') || JSON.parse(body).stream === true;
}

/** Plays the round trip over HTTP. */
export function playToolRoundTrip(script: ToolRoundTrip): UpstreamHandler {
  const answers = ANSWERS[script.dialect];
  return async (request, response) => {
    const step = chooseStep(script, request.body);
    const streamed = isStreamed(request);
    if (step.name === 'call') {
      if (streamed) await answers.sendCall(response, script.call, step.counts);
      else sendJson(response, answers.callDocument(script.call, step.counts));
    } else if (streamed) await answers.sendText(response, step.text, step.counts);
    else sendJson(response, answers.textDocument(step.text, step.counts));
  };
}

function sendEvents(socket: WebSocket, events: readonly string[], id: string): void {
  for (const event of events)
    socket.send(
      event
        .slice(event.indexOf('data: ') + 6)
        .trim()
        .replaceAll('resp_1', id),
    );
}

/** A client may prepare a connection by a response that generates nothing. */
function answerOverSocket(script: ToolRoundTrip, body: string): readonly string[] {
  if (JSON.parse(body).generate === false) return emptyResponseEvents();
  const step = chooseStep(script, body);
  return step.name === 'call'
    ? responseCallEvents(script.call, step.counts)
    : responseEvents(halve(step.text), step.counts);
}

/** Plays the round trip of Responses over WebSocket; `received` gets what the client sends. */
export function playToolRoundTripOverSocket(
  script: ToolRoundTrip,
  received: string[],
): SocketHandler {
  let count = 0;
  return (socket) => {
    socket.on('message', (data) => {
      const body = String(data);
      received.push(body);
      count += 1;
      sendEvents(socket, answerOverSocket(script, body), `resp_${count}`);
    });
  };
}
