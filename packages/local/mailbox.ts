/**
 * The local mail provider: aws-ses-v2-local accepts emails like Amazon SES, keeps them in memory
 * and shows them in a browser. It runs in a thread, so that it ends with this process. It gets an
 * environment of its own, because with SMTP_TRANSPORT set it would send real emails.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { freePort, retryOnPortInUse, waitForFreePort } from './ports.ts';

/** An email that the mailbox received. */
export type ReceivedEmail = Readonly<{
  /** The message id that SES returned to the sender. */
  id: string;
  to: string;
  subject: string;
  text: string;
  html: string;
  /** Additional headers such as `List-Unsubscribe`. */
  headers: Readonly<Record<string, string>>;
  /** Milliseconds since 1970, with a precision of seconds. */
  at: number;
}>;

const START_TIMEOUT_MS = 20_000;

function resolveCommand(): string {
  return fileURLToPath(import.meta.resolve('aws-ses-v2-local/dist/cli.js'));
}

async function startThread(port: number): Promise<Worker> {
  await waitForFreePort(port, 'mailbox');
  const thread = new Worker(resolveCommand(), {
    argv: ['--host', '127.0.0.1', '--port', String(port)],
    env: { NODE_ENV: 'production' },
    stdout: true,
    stderr: true,
  });
  const failed = new Promise<never>((_, reject) => {
    thread.once('error', reject);
    thread.once('exit', () => reject(new Error('The mailbox exited while starting.')));
  });
  // After a successful start nothing awaits this promise.
  failed.catch(() => {});
  await Promise.race([failed, waitUntilHealthy(port)]);
  thread.unref();
  return thread;
}

async function waitUntilHealthy(port: number): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const healthy = await fetch(`http://127.0.0.1:${port}/health-check`).then(
      (response) => response.ok,
      () => false,
    );
    if (healthy) return;
    await sleep(50);
  }
  throw new Error('The mailbox didn’t start in time.');
}

export class Mailbox {
  readonly url: string;
  readonly #port: number;
  #thread: Worker | null;

  constructor(port: number, thread: Worker) {
    this.url = `http://127.0.0.1:${port}`;
    this.#port = port;
    this.#thread = thread;
  }

  readonly emails = async (): Promise<readonly ReceivedEmail[]> => {
    const store: unknown = await (await fetch(`${this.url}/store`)).json();
    const emails = getField(store, 'emails');
    return Array.isArray(emails) ? emails.map(parseReceivedEmail) : [];
  };

  /** Stops the mailbox. Its emails are lost. */
  readonly stop = async (): Promise<void> => {
    const thread = this.#thread;
    this.#thread = null;
    await thread?.terminate();
  };

  readonly start = async (): Promise<void> => {
    this.#thread ??= await startThread(this.#port);
  };
}

/** 0 takes a free port. */
export async function startMailbox(requestedPort: number): Promise<Mailbox> {
  return retryOnPortInUse(async () => {
    const port = requestedPort === 0 ? await freePort() : requestedPort;
    return new Mailbox(port, await startThread(port));
  });
}

function getField(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function parseReceivedEmail(email: unknown): ReceivedEmail {
  const to = getField(getField(email, 'destination'), 'to');
  const headers = getField(email, 'headers');
  const body = getField(email, 'body');
  return {
    id: toText(getField(email, 'messageId')),
    to: toText(Array.isArray(to) ? to[0] : undefined),
    subject: toText(getField(email, 'subject')),
    text: toText(getField(body, 'text')),
    html: toText(getField(body, 'html')),
    headers: Object.fromEntries(
      (Array.isArray(headers) ? headers : []).map((header: unknown) => [
        toText(getField(header, 'name')),
        toText(getField(header, 'value')),
      ]),
    ),
    at: Number(getField(email, 'at') ?? 0) * 1000,
  };
}
