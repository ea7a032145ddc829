import { createServer, type Server } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { freePort, listen, PortInUseError, retryOnPortInUse } from './ports.ts';

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

async function hold(port: number): Promise<number> {
  const server = createServer();
  servers.push(server);
  return listen(server, port);
}

describe('a port chosen for a server that starts later', () => {
  it('is outside the range of outgoing connections', async () => {
    for (let count = 0; count < 50; count += 1) expect(await freePort()).toBeLessThan(32_768);
  });

  it('is chosen again when another process takes it first', async () => {
    const taken = await hold(0);
    const candidates = [taken, taken, await freePort()];
    const port = await retryOnPortInUse(() => hold(candidates.shift() ?? 0));
    expect(port).not.toBe(taken);
    expect(candidates).toEqual([]);
  });

  it('is reported as in use when every choice was taken', async () => {
    const taken = await hold(0);
    await expect(retryOnPortInUse(() => hold(taken))).rejects.toThrow(PortInUseError);
  });

  it('does not hide another failure', async () => {
    let attempts = 0;
    const start = () => {
      attempts += 1;
      return Promise.reject(new Error('no disk'));
    };
    await expect(retryOnPortInUse(start)).rejects.toThrow('no disk');
    expect(attempts).toBe(1);
  });
});
