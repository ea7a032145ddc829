/**
 * A receiver of webhooks: a real HTTP server that keeps what it receives and verifies signatures
 * with Node's crypto, apart from the code that makes them.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export type ReceivedEvent = Readonly<{
  path: string;
  signature: string;
  contentType: string;
  body: string;
}>;

/** Answers the n-th request to a path, counted from 1. */
export type Answer = (response: ServerResponse, count: number) => void;

export type WebhookReceiver = Readonly<{
  url: string;
  /** What `path` received, oldest first. */
  received(path: string): readonly ReceivedEvent[];
  /** Sets the answer of a path; 204 by default. */
  answer(path: string, answer: Answer): void;
  stop(): Promise<void>;
}>;

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const events: ReceivedEvent[] = [];
  const answers = new Map<string, Answer>();
  const received = (path: string) => events.filter((event) => event.path === path);
  const server = createServer(async (request, response) => {
    const path = request.url ?? '';
    events.push({
      path,
      signature: String(request.headers['farebox-signature']),
      contentType: String(request.headers['content-type']),
      body: await readBody(request),
    });
    const answer = answers.get(path);
    if (answer === undefined) response.writeHead(204).end();
    else answer(response, received(path).length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    received,
    answer: (path, answer) => answers.set(path, answer),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Checks a signature by its documentation, docs/webhooks.md. */
export function isSignedBy(secret: string, { signature, body }: ReceivedEvent): boolean {
  const fields = signature.split(',').map((field) => field.split('='));
  const time = fields.find(([name]) => name === 't')?.[1] ?? '';
  if (Math.abs(Date.now() / 1000 - Number(time)) > 300) return false;
  const expected = createHmac('sha256', secret).update(`${time}.${body}`).digest();
  return fields
    .filter(([name]) => name === 'v1')
    .map(([, value = '']) => Buffer.from(value, 'hex'))
    .some((given) => given.length === expected.length && timingSafeEqual(given, expected));
}
