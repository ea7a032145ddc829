/**
 * The mock upstream, in its own process. It responds like OpenAI with as little CPU time as
 * possible. It also fakes the database and the queue's consumer, which don't run inside the Worker
 * in production either. It stores nothing and only counts.
 */
import { createServer, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { answerSql } from './fake-neon.ts';
import { HttpParser } from './http-parser.ts';
import {
  BENCH_DIALECTS,
  type BenchDialect,
  burst,
  type CallSpec,
  completionResponse,
  durationMs,
  frameText,
  jsonResponse,
  monotonicMs,
  parseCallSpec,
  STREAM_TIMINGS,
  type StreamTiming,
  streamChunk,
  streamChunks,
} from './payloads.ts';

const counts = { calls: 0, deliveries: 0, statements: 0, queued: 0, strays: 0 };
export type UpstreamCounts = typeof counts;

/** workerd reads the state of the queue from the answer to a message. */
const QUEUED = jsonResponse('{"metadata":{"metrics":{"backlogCount":0,"backlogBytes":0}}}');

type Prepared = Readonly<{ burst: Buffer; paced: readonly Buffer[]; long: readonly Buffer[] }>;

function prepare(dialect: BenchDialect, usage: boolean): Prepared {
  return {
    burst: burst(dialect, usage),
    paced: streamChunks({ dialect, usage }, STREAM_TIMINGS.paced),
    long: streamChunks({ dialect, usage }, STREAM_TIMINGS.long),
  };
}

const DOCUMENTS = new Map(BENCH_DIALECTS.map((name) => [name, completionResponse(name)]));
const PREPARED = new Map(
  BENCH_DIALECTS.flatMap((name) =>
    [true, false].map((usage) => [`${name} ${usage}`, prepare(name, usage)] as const),
  ),
);

function streamPaced(
  socket: Socket,
  timing: StreamTiming,
  getPiece: (index: number) => Buffer | undefined,
): void {
  const start = performance.now() + timing.firstByteMs;
  let next = 0;
  const write = () => {
    const piece = getPiece(next);
    if (piece === undefined || socket.destroyed) return;
    socket.write(piece);
    next += 1;
    // Relative to the start, not to the last write: a late timer must not slow the stream.
    if (next < timing.chunks) {
      setTimeout(write, Math.max(0, start + next * timing.intervalMs - performance.now()));
    }
  };
  setTimeout(write, timing.firstByteMs);
}

function answerCall(socket: Socket, spec: CallSpec): void {
  counts.calls += 1;
  const { pace, dialect, usage } = spec;
  const prepared = PREPARED.get(`${dialect} ${usage}`);
  if (pace === 'json') socket.write(DOCUMENTS.get(dialect) ?? '');
  else if (pace === 'unpaced') socket.write(prepared?.burst ?? '');
  else if (pace === 'frames') {
    const timing = STREAM_TIMINGS.frames;
    streamPaced(socket, timing, (index) =>
      streamChunk(spec, index, timing, frameText(monotonicMs())),
    );
  } else {
    const pieces = prepared?.[pace] ?? [];
    streamPaced(socket, STREAM_TIMINGS[pace], (index) => pieces[index]);
  }
}

function answer(socket: Socket, target: string, body: Buffer): void {
  const spec = parseCallSpec(target, body);
  if (spec !== undefined) {
    answerCall(socket, spec);
  } else if (target.includes('/sql')) {
    const { text, statements } = answerSql(body.toString());
    counts.deliveries += 1;
    counts.statements += statements;
    socket.write(jsonResponse(text));
  } else if (target.includes('/message') || target.includes('/batch')) {
    counts.queued += 1;
    socket.write(QUEUED);
  } else {
    counts.strays += 1;
    socket.write(jsonResponse('{}'));
  }
}

function handleConnection(socket: Socket): void {
  socket.setNoDelay(true);
  let target = '';
  let parts: Buffer[] = [];
  const reader = new HttpParser({
    head: (head) => {
      target = head.firstLine;
      parts = [];
    },
    body: (piece) => parts.push(piece),
    end: () =>
      answer(
        socket,
        target,
        parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts),
      ),
  });
  socket.on('data', (piece) => reader.push(typeof piece === 'string' ? Buffer.from(piece) : piece));
  socket.on('error', () => socket.destroy());
}

const server = createServer(handleConnection);
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new Error('bench: the upstream has no port');
  process.send?.({ port: address.port, longMs: durationMs(STREAM_TIMINGS.long) });
});
process.on('message', () => process.send?.({ ...counts }));
process.on('disconnect', () => process.exit(0));
