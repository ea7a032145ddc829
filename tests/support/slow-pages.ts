/**
 * A proxy whose pages arrive in pieces, one each time that the test asks, as over a slow connection:
 * the browser draws what is there before it has the rest. Other files are passed on whole.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const PIECE_BYTES = 2_500;

export type SlowPages = Readonly<{
  url: string;
  /** Sends the next piece of the last page that was asked for; false if nothing was left. */
  sendPiece: () => boolean;
  close: () => void;
}>;

export async function startSlowPages(origin: string): Promise<SlowPages> {
  let sendPiece = () => false;

  async function relay(from: Response, to: ServerResponse): Promise<void> {
    const type = from.headers.get('content-type') ?? '';
    const policy = from.headers.get('content-security-policy') ?? '';
    let rest = Buffer.from(await from.arrayBuffer());
    to.writeHead(from.status, { 'content-type': type, 'content-security-policy': policy });
    if (!type.startsWith('text/html')) {
      to.end(rest);
      return;
    }
    sendPiece = () => {
      if (rest.length === 0) return false;
      to.write(rest.subarray(0, PIECE_BYTES));
      rest = rest.subarray(PIECE_BYTES);
      if (rest.length === 0) to.end();
      return true;
    };
    sendPiece();
  }

  const server = createServer((request, response) => {
    fetch(origin + request.url, { headers: { accept: request.headers.accept ?? '*/*' } })
      .then((answer) => relay(answer, response))
      .catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    sendPiece: () => sendPiece(),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
