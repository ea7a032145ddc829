/**
 * The mail provider on one's own machine: aws-ses-v2-local takes letters as Amazon SES would, keeps them
 * in memory and shows them in a browser. It runs in a thread, so that it dies with this process, and
 * gets an environment of its own: with SMTP_TRANSPORT in it, it would send letters to real people.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { freePort, requireFreeSoon } from './ports.ts';

/** A letter as it arrived. */
export type ReceivedLetter = Readonly<{
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

const STARTS_WITHIN_MS = 20_000;

function commandOf(): string {
  return fileURLToPath(import.meta.resolve('aws-ses-v2-local/dist/cli.js'));
}

async function startThread(port: number): Promise<Worker> {
  await requireFreeSoon(port, 'mailbox');
  const thread = new Worker(commandOf(), {
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
  await Promise.race([failed, answers(port)]);
  thread.unref();
  return thread;
}

async function answers(port: number): Promise<void> {
  const until = Date.now() + STARTS_WITHIN_MS;
  while (Date.now() < until) {
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

  readonly letters = async (): Promise<readonly ReceivedLetter[]> => {
    const store: unknown = await (await fetch(`${this.url}/store`)).json();
    const emails = under(store, 'emails');
    return Array.isArray(emails) ? emails.map(letterOf) : [];
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
export async function startMailbox(wanted: number): Promise<Mailbox> {
  const port = wanted === 0 ? await freePort() : wanted;
  return new Mailbox(port, await startThread(port));
}

function under(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function letterOf(email: unknown): ReceivedLetter {
  const to = under(under(email, 'destination'), 'to');
  const headers = under(email, 'headers');
  const body = under(email, 'body');
  return {
    id: textOf(under(email, 'messageId')),
    to: textOf(Array.isArray(to) ? to[0] : undefined),
    subject: textOf(under(email, 'subject')),
    text: textOf(under(body, 'text')),
    html: textOf(under(body, 'html')),
    headers: Object.fromEntries(
      (Array.isArray(headers) ? headers : []).map((header: unknown) => [
        textOf(under(header, 'name')),
        textOf(under(header, 'value')),
      ]),
    ),
    at: Number(under(email, 'at') ?? 0) * 1000,
  };
}
