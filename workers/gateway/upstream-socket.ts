/**
 * The WebSocket to a provider. Its state is what makes `previous_response_id` work without anything
 * being stored: only the responses that were made on it can be continued (OpenAI's and xAI's pages
 * "WebSocket mode").
 */
import type { Provider } from '@farebox/providers';
import type { AnswerReader } from './answer-source.ts';
import { toEvent } from './socket-messages.ts';

/** More responses are not made on a connection, which providers close after an hour. */
const MAX_RESPONSES = 1_000;

const CREATED = /^\s*\{\s*"type"\s*:\s*"response\.created"|"type"\s*:\s*"response\.created"/;
const RESPONSE_ID = /"id"\s*:\s*"([^"\\]{1,256})"/;
/** The type of an event, and the id of its response, stand at its beginning. */
const HEAD_LENGTH = 512;

/** Reads the id of the response that a message says has begun. */
function readResponseId(message: string): string | null {
  const head = message.slice(0, HEAD_LENGTH);
  return CREATED.test(head) ? (RESPONSE_ID.exec(head)?.[1] ?? null) : null;
}

export class UpstreamSocket {
  readonly provider: Provider;
  readonly #socket: WebSocket;
  #messages: string[] = [];
  #wake = () => {};
  #isOpen = true;
  /** The id of the response under way. */
  #responseId: string | null = null;
  /** The tokens that each response would bring into one that continues it. */
  readonly #tokens = new Map<string, number>();

  constructor(provider: Provider, socket: WebSocket) {
    this.provider = provider;
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#receive(data));
    socket.addEventListener('close', () => this.#end());
    socket.addEventListener('error', () => this.#end());
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Returns the tokens of a response that was made here; undefined for any other. */
  findTokens(responseId: string): number | undefined {
    return this.#tokens.get(responseId);
  }

  /** Sends what asks for a response; what came before is no part of it. */
  send(bytes: Uint8Array): void {
    this.#messages = [];
    this.#responseId = null;
    this.#socket.send(new TextDecoder().decode(bytes));
  }

  /** Notes how many tokens the response under way would bring into another. */
  recordTokens(tokens: number): void {
    if (this.#responseId !== null && this.#tokens.size < MAX_RESPONSES)
      this.#tokens.set(this.#responseId, tokens);
  }

  close(): void {
    if (this.#isOpen) this.#socket.close(1000);
    this.#end();
  }

  /** Returns a reader of the response under way; `hasEnded` says that its last event was read. */
  read(hasEnded: () => boolean): AnswerReader {
    let isCanceled = false;
    return {
      read: async () => {
        for (;;) {
          const message = this.#messages.shift();
          if (message !== undefined) return { done: false, value: toEvent(message) };
          if (isCanceled || hasEnded() || !this.#isOpen) return { done: true, value: undefined };
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      },
      cancel: async () => {
        isCanceled = true;
        this.#wake();
      },
    };
  }

  #receive(data: string | ArrayBuffer): void {
    const message = typeof data === 'string' ? data : new TextDecoder().decode(data);
    this.#responseId = readResponseId(message) ?? this.#responseId;
    this.#messages.push(message);
    this.#wake();
  }

  #end(): void {
    this.#isOpen = false;
    this.#wake();
  }
}
