/**
 * Opens the bench's accounts through the ledger's RPC entrypoints, as the console and the deposits
 * Worker do. It exists only in the bench's configuration and is never deployed.
 */
import type { AccountsRpc, CreditsRpc } from '../../packages/ledger/index.ts';

type Env = Readonly<{ ACCOUNTS: AccountsRpc; CREDITS: CreditsRpc }>;

/** 1,000,000 USD, so that the balance never runs out. */
const INITIAL_CREDIT = 1_000_000_000_000_000n;

async function openAccount(env: Env): Promise<string> {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  const account = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  await env.ACCOUNTS.open(account);
  const limits = {
    budget: null,
    expiresAt: null,
    models: null,
    callsPerMinute: null,
    concurrentCalls: null,
  };
  const minted = await env.ACCOUNTS.mintKey(account, { name: 'bench', limits });
  if (!minted.ok) throw new Error(`creating the key failed: ${minted.reason}`);
  const credit = { id: `bench:${account}`, amount: INITIAL_CREDIT, source: 'local' } as const;
  const credited = await env.CREDITS.credit(account, credit);
  if (!credited.ok) throw new Error(`the credit failed: ${credited.reason}`);
  return minted.apiKey;
}

const accountOpener: ExportedHandler<Env> = {
  async fetch(request, env) {
    const count = Number(new URL(request.url).searchParams.get('accounts'));
    const keys: string[] = [];
    while (keys.length < count) keys.push(await openAccount(env));
    return Response.json(keys);
  },
};

export default accountOpener;
