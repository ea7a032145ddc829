/**
 * Messages of a WebSocket as the events of a stream and back, so that one meter and one relay serve
 * both. A message is the data of one event.
 */

const ENCODER = new TextEncoder();
const DATA = 'data: ';
const END_MARKER = '[DONE]';

/** Frames a message as an event. */
export function toEvent(message: string): Uint8Array {
  return ENCODER.encode(`${DATA}${message.replaceAll('\n', `\n${DATA}`)}\n\n`);
}

/** Returns the messages in a text of whole events; comments and end markers are none. */
export function toMessages(events: string): string[] {
  const messages = events.split('\n\n').map((event) =>
    event
      .split('\n')
      .filter((line) => line.startsWith(DATA))
      .map((line) => line.slice(DATA.length))
      .join('\n'),
  );
  return messages.filter((message) => message !== '' && message !== END_MARKER);
}

/** Creates a stream whose writes, each of whole events, are sent as messages. */
export function createMessageStream(send: (message: string) => void): WritableStream<Uint8Array> {
  const decoder = new TextDecoder();
  return new WritableStream({
    write: (chunk) => {
      for (const message of toMessages(decoder.decode(chunk))) send(message);
    },
  });
}
