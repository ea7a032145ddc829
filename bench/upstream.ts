/**
 * The mock upstream: a process of its own that answers like OpenAI, as cheaply as Node can, and stands
 * in for the database and the queue's far side, so that neither costs what it would not cost in
 * production's Worker. It keeps nothing of what it is sent; it only counts.
 */
import { createServer, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { answerSql } from './database.ts';
import {
  burst,
  durationMs,
  jsonAnswer,
  type Order,
  pieces,
  RHYTHMS,
  type Rhythm,
  readOrder,
  reply,
} from './traffic.ts';
import { MessageReader } from './wire.ts';

const counts = { calls: 0, statements: 0, queued: 0, strays: 0 };
export type UpstreamCounts = typeof counts;

const BURSTS = { plain: burst(false), counted: burst(true) };
const JSON_ANSWER = jsonAnswer();
const STREAMS = {
  paced: { plain: pieces(RHYTHMS.paced, false), counted: pieces(RHYTHMS.paced, true) },
  long: { plain: pieces(RHYTHMS.long, false), counted: pieces(RHYTHMS.long, true) },
};

function play(socket: Socket, rhythm: Rhythm, stream: readonly Buffer[]): void {
  const start = performance.now() + rhythm.firstMs;
  let next = 0;
  const write = () => {
    const piece = stream[next];
    if (piece === undefined || socket.destroyed) return;
    socket.write(piece);
    next += 1;
    // Against the start and not against the last write: a late timer must not slow the stream.
    if (next < stream.length) {
      setTimeout(write, Math.max(0, start + next * rhythm.everyMs - performance.now()));
    }
  };
  setTimeout(write, rhythm.firstMs);
}

function answerCall(socket: Socket, order: Order): void {
  counts.calls += 1;
  const kind = order.usage ? 'counted' : 'plain';
  if (order.pace === 'json') socket.write(JSON_ANSWER);
  else if (order.pace === 'unpaced') socket.write(BURSTS[kind]);
  else play(socket, RHYTHMS[order.pace], STREAMS[order.pace][kind]);
}

function answer(socket: Socket, target: string, body: Buffer): void {
  if (target.includes('/chat/completions')) {
    answerCall(socket, readOrder(body));
  } else if (target.includes('/sql')) {
    const { text, statements } = answerSql(body.toString());
    counts.statements += statements;
    socket.write(reply(text));
  } else if (target.includes('/message') || target.includes('/batch')) {
    counts.queued += 1;
    socket.write(reply('{}'));
  } else {
    counts.strays += 1;
    socket.write(reply('{}'));
  }
}

function serve(socket: Socket): void {
  socket.setNoDelay(true);
  let target = '';
  let parts: Buffer[] = [];
  const reader = new MessageReader({
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

const server = createServer(serve);
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('bench: no port');
  process.send?.({ port: address.port, longMs: durationMs(RHYTHMS.long) });
});
process.on('message', () => process.send?.({ ...counts }));
process.on('disconnect', () => process.exit(0));
