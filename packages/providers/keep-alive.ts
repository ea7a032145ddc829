/**
 * What keeps a quiet stream open without saying anything: Anthropic's clients know a `ping` event,
 * for OpenAI's a comment is the only thing no parser takes for data (WHATWG HTML, server-sent events).
 */
import type { Dialect } from '@farebox/dialects';

const ENCODER = new TextEncoder();
const KEEP_ALIVE_EVENTS: Readonly<Record<Dialect, Uint8Array>> = {
  messages: ENCODER.encode('event: ping\ndata: {"type":"ping"}\n\n'),
  chat: ENCODER.encode(': keep-alive\n\n'),
};

/** Bytes that may be sent between two events of a stream of this dialect. */
export function keepAliveEvent(dialect: Dialect): Uint8Array {
  return KEEP_ALIVE_EVENTS[dialect].slice();
}
