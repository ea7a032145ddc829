/**
 * The mail provider on one's own machine: aws-ses-v2-local takes letters as Amazon SES would, keeps them
 * in memory and shows them in a browser. It runs in a thread, so that it dies with this process, and
 * gets an environment of its own: with SMTP_TRANSPORT in it, it would send letters to real people.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { freePort, waitForFreePort } from './ports.ts';

/** A letter as it arrived. */
export type ReceivedEmail = Readonly<{
  /** What its sender was told it is called. */
  id: string;
  to: string;
  subject: string;
  text: string;
  html: string;
  /** What was added to it, such as `List-Unsubscribe`. */
  headers: Readonly<Record<string, string>>;
  /** Seconds since the epoch are all it says, as milliseconds. */
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
    thread.once('exit', () => reject(new Error('The mailbox ended while it started.')));
  });
  // Once it has started, nobody waits for this any more.
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
  throw new Error('The mailbox did not start.');
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

  /** What it held is gone with it. */
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
  const port = requestedPort === 0 ? await freePort() : requestedPort;
  return new Mailbox(port, await startThread(port));
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
