/**
 * The WebSocket to a provider. Its state is what makes `previous_response_id` work without anything
 * being stored: only the responses that were made on it can be continued (OpenAI's and xAI's pages
 * "WebSocket mode").
 */
import type { Provider } from '@farebox/providers';
import type { AnswerReader } from './answer-source.ts';
import { toEvent } from './socket-messages.ts';

/** A connection with more responses is closed; providers close theirs after an hour. */
const MAX_RESPONSES = 1_000;

/** The events that have a response in them, and so its id. */
const OF_RESPONSE =
  /"type"\s*:\s*"response\.(created|queued|in_progress|completed|incomplete|failed)"/;
const RESPONSE_ID = /"id"\s*:\s*"([^"\\]{1,256})"/;
/** The type of an event, and the id of its response, stand at its beginning. */
const HEAD_LENGTH = 512;

/** Reads what a message says of its response: where in it, and the id. */
function readHead(message: string): Readonly<{ step: string; id: string }> | null {
  const head = message.slice(0, HEAD_LENGTH);
  const step = OF_RESPONSE.exec(head)?.[1];
  const id = RESPONSE_ID.exec(head)?.[1];
  return step === undefined || id === undefined ? null : { step, id };
}

export class UpstreamSocket {
  readonly provider: Provider;
  readonly #socket: WebSocket;
  #messages: string[] = [];
  #wake = () => {};
  #isOpen = true;
  /** True from what asks for a response to the end of it. What comes in between is of no call. */
  #isAnswering = false;
  /** The id of the response under way. */
  #responseId: string | null = null;
  /** The tokens that each response would bring into one that continues it. */
  readonly #tokens = new Map<string, number>();

  constructor(provider: Provider, socket: WebSocket) {
    this.provider = provider;
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
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

  /** Sends what asks for a response; what came before is no part of it. Throws if it is closed. */
  send(message: string): void {
    this.#messages = [];
    this.#responseId = null;
    this.#isAnswering = true;
    this.#socket.send(message);
  }

  /** Ends a whole response, and notes how many tokens it would bring into another. */
  endResponse(tokens: number): void {
    this.#isAnswering = false;
    if (this.#responseId !== null) this.#tokens.set(this.#responseId, tokens);
    // What follows an earlier response is known by its id.
    if (this.#tokens.size >= MAX_RESPONSES) this.close();
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
    if (!this.#isAnswering) return;
    const message = typeof data === 'string' ? data : new TextDecoder().decode(data);
    const head = readHead(message);
    if (head !== null && this.#tokens.has(head.id)) return;
    if (head?.step === 'created') this.#responseId = head.id;
    this.#messages.push(message);
    this.#wake();
  }

  #end(): void {
    this.#isOpen = false;
    this.#wake();
  }
}
