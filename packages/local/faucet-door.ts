/** The faucet as the console reaches it: test USDT from nothing to any address on this machine's networks. */
import { createServer, type IncomingMessage } from 'node:http';
import { CHAINS, type ChainName } from '@farebox/deposits';
import { isJson } from './anvil.ts';
import { listen } from './ports.ts';

export type FaucetDoor = Readonly<{ url: string; stop(): Promise<void> }>;

type Pay = (chain: ChainName, to: string, units: bigint) => Promise<string>;

async function wishOf(request: IncomingMessage) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const wish: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  if (!isJson(wish)) return null;
  const chain = CHAINS.find((name) => name === wish.chain);
  const [to, units] = [String(wish.to), String(wish.units)];
  if (chain === undefined || !/^0x[0-9a-f]{40}$/.test(to) || !/^[1-9]\d{0,30}$/.test(units)) {
    return null;
  }
  return { chain, to, units: BigInt(units) };
}

export async function openFaucet(pay: Pay): Promise<FaucetDoor> {
  const server = createServer(async (request, response) => {
    const wish = await wishOf(request).catch(() => null);
    if (wish === null) {
      response.writeHead(400).end();
      return;
    }
    const paid = await pay(wish.chain, wish.to, wish.units).catch(() => null);
    response.writeHead(paid === null ? 502 : 200).end(paid ?? '');
  });
  const port = await listen(server, 0);
  return {
    url: `http://127.0.0.1:${port}/`,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
