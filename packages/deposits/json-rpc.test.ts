/** JSON-RPC over HTTP: what counts as an answer, and where the API key may go. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { httpTransport } from './index.ts';

const KEY = { name: 'X-Api-Key', value: 'a-key' };
const REQUEST = { method: 'eth_chainId', params: [] };

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
}

function send(url: string) {
  return httpTransport(fetch)({ url, header: KEY }, [REQUEST]);
}

describe('httpTransport', () => {
  it.each([301, 302, 303, 307, 308])(
    'does not follow a redirect with status %i',
    async (status) => {
      const receivedKeys: unknown[] = [];
      const target = await serve((request, response) => {
        receivedKeys.push(request.headers['x-api-key']);
        response.end('[{"jsonrpc":"2.0","id":0,"result":"0x1"}]');
      });
      const provider = await serve((_, response) => {
        response.writeHead(status, { location: target });
        response.end('[{"jsonrpc":"2.0","id":0,"result":"0x89"}]');
      });
      expect(await send(provider)).toBe('unreachable');
      expect(receivedKeys).toEqual([]);
    },
  );

  it.each([
    ['{"code":3,"message":"execution reverted"}', 3],
    ['{"code":-32000,"message":"execution reverted"}', 3],
    ['{"code":-32000,"message":"execution reverted: no such function"}', 3],
    ['{"code":-32000,"message":"REVERT opcode executed"}', 3],
    ['{"code":-32000,"message":"header not found"}', -32000],
    ['{"code":-32005,"message":"limit exceeded"}', -32005],
    ['{"message":"no code"}', 0],
    ['"text"', 0],
  ])('reads the error %s as code %i', async (error, code) => {
    const url = await serve((_, response) => {
      response.end(`[{"jsonrpc":"2.0","id":0,"error":${error}}]`);
    });
    expect(await send(url)).toEqual([{ ok: false, code }]);
  });
});
