/** What every command gets: a prompt, an output, a clock, and the network behind --rpc. */
import { httpTransport } from '@farebox/deposits';
import { type Options, providerOption } from './command-line.ts';
import type { Network } from './network.ts';
import type { Prompt } from './prompt.ts';

export type CommandContext = Readonly<{
  prompt: Prompt;
  print: (line: string) => void;
  fetcher: typeof fetch;
  now: () => number;
}>;
/** Resolves to the exit code. */
export type Command = (context: CommandContext, options: Options) => Promise<number>;

/** The network of --rpc and --header. */
export function createNetwork({ fetcher }: CommandContext, options: Options): Network {
  const provider = providerOption(options);
  const { header } = provider;
  const base = provider.url.replace(/\/jsonrpc\/?$/, '');
  const headers = {
    'content-type': 'application/json',
    ...(header === undefined ? {} : { [header.name]: header.value }),
  };
  return {
    provider,
    rpcTransport: httpTransport(fetcher),
    post: async (path, body) => {
      try {
        const payload = JSON.stringify(body);
        const sent = { method: 'POST', headers, body: payload, redirect: 'error' } as const;
        const answer: unknown = await (await fetcher(base + path, sent)).json();
        return answer;
      } catch {
        return null;
      }
    },
  };
}
