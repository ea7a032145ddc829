/** The bindings of the site's Worker. */
import type { StatusRpc } from '@farebox/database/status';

export type Env = Readonly<{
  /** The files that the generator wrote, with the headers of its `_headers` file. */
  ASSETS: Pick<Fetcher, 'fetch'>;
  /** The console's entrypoint `Status`; without it the status page says that nothing is known. */
  STATUS?: StatusRpc;
}>;
