/**
 * A Neon-compatible endpoint on a loopback port, in front of any PostgreSQL: `POST /sql` as
 * @neondatabase/serverless sends it, and wire protocol bytes over a WebSocket at `/v2`. The protocol is taken from
 * the driver's 1.2.0 bundle. Statements and parameters are never logged.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import pg from 'pg';
import { type WebSocket, WebSocketServer } from 'ws';
import { listen } from './ports.ts';
import { answerSql, type SqlAnswer } from './sql.ts';

export type NeonHttpServer = Readonly<{ port: number; close(): Promise<void> }>;

const MAX_BODY_BYTES = 64 * 1024 * 1024;

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Error('The statement is too large.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, answer: SqlAnswer): void {
  response.writeHead(answer.status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(answer.body));
}

async function serveHttp(pool: pg.Pool, request: IncomingMessage, response: ServerResponse) {
  if (request.method !== 'POST' || request.url !== '/sql') {
    send(response, { status: 404, body: { message: 'POST /sql or a WebSocket at /v2' } });
    return;
  }
  send(response, await answerSql(pool, request.headers, await readBody(request)));
}

/** Forwards bytes in both directions. When one side closes, the other is closed too. */
function pump(socket: WebSocket, target: URL): void {
  const upstream: Socket = connect(Number(target.port), target.hostname);
  upstream.setNoDelay(true);
  socket.on('message', (data: Buffer) => upstream.write(data));
  socket.on('close', () => upstream.destroy());
  socket.on('error', () => upstream.destroy());
  upstream.on('data', (chunk) => socket.send(chunk));
  upstream.on('close', () => socket.close());
  upstream.on('error', () => socket.terminate());
}

/**
 * Starts the endpoint. `connectionString` is the PostgreSQL behind it and must include the port.
 */
export async function serveNeonHttp(
  connectionString: string,
  port: number,
): Promise<NeonHttpServer> {
  const target = new URL(connectionString);
  const pool = new pg.Pool({ connectionString, max: 8 });
  // The pool replaces a broken idle connection at the next statement, which reports any error.
  pool.on('error', () => {});
  const server = createServer((request, response) => {
    serveHttp(pool, request, response).catch(() => response.destroy());
  });
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  server.on('upgrade', (request, socket, head) => {
    if (request.url?.split('?')[0] !== '/v2') socket.destroy();
    else sockets.handleUpgrade(request, socket, head, (accepted) => pump(accepted, target));
  });
  const boundPort = await listen(server, port, 'database');
  return {
    port: boundPort,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      await closed;
      await pool.end();
    },
  };
}
