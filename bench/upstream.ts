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
  burst,
  type CallSpec,
  completionResponse,
  durationMs,
  jsonResponse,
  parseCallSpec,
  STREAM_TIMINGS,
  type StreamTiming,
  streamChunks,
} from './payloads.ts';

const counts = { calls: 0, statements: 0, queued: 0, strays: 0 };
export type UpstreamCounts = typeof counts;

const BURST_RESPONSES = { plain: burst(false), counted: burst(true) };
const JSON_ANSWER = completionResponse();
const STREAMS = {
  paced: {
    plain: streamChunks(STREAM_TIMINGS.paced, false),
    counted: streamChunks(STREAM_TIMINGS.paced, true),
  },
  long: {
    plain: streamChunks(STREAM_TIMINGS.long, false),
    counted: streamChunks(STREAM_TIMINGS.long, true),
  },
};

function streamPaced(socket: Socket, rhythm: StreamTiming, stream: readonly Buffer[]): void {
  const start = performance.now() + rhythm.firstByteMs;
  let next = 0;
  const write = () => {
    const piece = stream[next];
    if (piece === undefined || socket.destroyed) return;
    socket.write(piece);
    next += 1;
    // Relative to the start, not to the last write: a late timer must not slow the stream.
    if (next < stream.length) {
      setTimeout(write, Math.max(0, start + next * rhythm.intervalMs - performance.now()));
    }
  };
  setTimeout(write, rhythm.firstByteMs);
}

function answerCall(socket: Socket, spec: CallSpec): void {
  counts.calls += 1;
  const kind = spec.usage ? 'counted' : 'plain';
  if (spec.pace === 'json') socket.write(JSON_ANSWER);
  else if (spec.pace === 'unpaced') socket.write(BURST_RESPONSES[kind]);
  else streamPaced(socket, STREAM_TIMINGS[spec.pace], STREAMS[spec.pace][kind]);
}

function answer(socket: Socket, target: string, body: Buffer): void {
  if (target.includes('/chat/completions')) {
    answerCall(socket, parseCallSpec(body));
  } else if (target.includes('/sql')) {
    const { text, statements } = answerSql(body.toString());
    counts.statements += statements;
    socket.write(jsonResponse(text));
  } else if (target.includes('/message') || target.includes('/batch')) {
    counts.queued += 1;
    socket.write(jsonResponse('{}'));
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
