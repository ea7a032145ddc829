/** The faucet's HTTP server for the console: sends test USDT to any address on the local chains. */
import { createServer, type IncomingMessage } from 'node:http';
import { CHAINS, type ChainName } from '@farebox/deposits';
import { isJsonObject } from './anvil-rpc.ts';
import { listen } from './ports.ts';

export type FaucetServer = Readonly<{ url: string; stop(): Promise<void> }>;

type Pay = (chain: ChainName, to: string, units: bigint) => Promise<string>;

async function parsePayment(request: IncomingMessage) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const payment: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  if (!isJsonObject(payment)) return null;
  const chain = CHAINS.find((name) => name === payment.chain);
  const [to, units] = [String(payment.to), String(payment.units)];
  if (chain === undefined || !/^0x[0-9a-f]{40}$/.test(to) || !/^[1-9]\d{0,30}$/.test(units)) {
    return null;
  }
  return { chain, to, units: BigInt(units) };
}

export async function serveFaucet(pay: Pay): Promise<FaucetServer> {
  const server = createServer(async (request, response) => {
    const payment = await parsePayment(request).catch(() => null);
    if (payment === null) {
      response.writeHead(400).end();
      return;
    }
    const paid = await pay(payment.chain, payment.to, payment.units).catch(() => null);
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
