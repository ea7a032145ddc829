/**
 * A stand-in for Cloudflare Access: a proxy on loopback in front of the operators' Worker. It adds
 * a signed assertion for one local operator to every request and publishes the public key, so that
 * the Worker authenticates exactly as it does in production.
 */
import { createSign, generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { listen } from './ports.ts';

const HOST = '127.0.0.1';
const TEAM = 'farebox-local';
const AUDIENCE = 'farebox-local';
const KEYS_PATH = '/cdn-cgi/access/certs';
const KEY_ID = 'local';
const ASSERTION_TTL_SECONDS = 60;
const OPERATOR = 'operator@farebox.example';

export type AccessProxy = Readonly<{
  url: string;
  /** The operators' Worker's bindings under which it accepts the proxy's assertions. */
  bindings: Readonly<Record<string, string>>;
  /** Sets the Worker that requests go to; until then they are answered 503. */
  forwardTo(workerUrl: string): void;
  stop(): Promise<void>;
}>;

type KeyPair = ReturnType<typeof generateKeyPairSync>;

function toBase64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function signAssertion({ privateKey }: KeyPair): string {
  const now = Math.floor(Date.now() / 1000);
  const header = { alg: 'RS256', kid: KEY_ID, typ: 'JWT' };
  const claims = {
    aud: [AUDIENCE],
    iss: `https://${TEAM}.cloudflareaccess.com`,
    iat: now,
    nbf: now,
    exp: now + ASSERTION_TTL_SECONDS,
    email: OPERATOR,
    type: 'app',
  };
  const signed = `${toBase64url(header)}.${toBase64url(claims)}`;
  return `${signed}.${createSign('SHA256').update(signed).sign(privateKey, 'base64url')}`;
}

/** Passes the request on with its Host, which the Worker compares with the form's Origin. */
function forward(
  incoming: IncomingMessage,
  response: ServerResponse,
  workerUrl: string,
  assertion: string,
): void {
  const { hostname, port } = new URL(workerUrl);
  const headers = { ...incoming.headers, 'cf-access-jwt-assertion': assertion };
  const { method, url: path } = incoming;
  const upstream = request({ hostname, port, path, method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  upstream.on('error', () => {
    if (!response.headersSent) response.writeHead(502);
    response.end();
  });
  incoming.pipe(upstream);
}

/** Listens on `port`; 0 takes a free one. */
export async function startAccessProxy(port: number): Promise<AccessProxy> {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid: KEY_ID, alg: 'RS256' };
  let workerUrl: string | null = null;
  const server = createServer((incoming, response) => {
    if (incoming.url === KEYS_PATH) {
      response.end(JSON.stringify({ keys: [jwk] }));
    } else if (workerUrl === null) {
      response.writeHead(503).end();
    } else {
      forward(incoming, response, workerUrl, signAssertion(pair));
    }
  });
  const url = `http://${HOST}:${await listen(server, port, 'operators')}`;
  return {
    url,
    bindings: {
      OPERATORS_HOST: HOST,
      ACCESS_TEAM: TEAM,
      ACCESS_AUDIENCE: AUDIENCE,
      ACCESS_KEYS_URL: `${url}${KEYS_PATH}`,
      OPERATOR_ROLES: JSON.stringify({ admin: [OPERATOR] }),
    },
    forwardTo: (target) => {
      workerUrl = target;
    },
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
