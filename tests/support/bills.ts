/** Reads a call's bill, once it is settled, and the balance from a running stack. */

export type BillJson = Readonly<{
  id: string;
  model: string;
  provider: string;
  status: 'open' | 'settled' | 'void';
  http_status: number | null;
  reason: string | null;
  usage: Readonly<Record<string, number>> | null;
  prices: Readonly<Record<string, string>> | null;
  price_rule: string | null;
  provider_cost_nano_usd: string | null;
  margin_percent: string | null;
  provider_prices: Readonly<Record<string, string>> | null;
  cost_at_provider_prices_nano_usd: string | null;
  fees: readonly Readonly<{ kind: string; count: number; cost_nano_usd: string }>[];
  cost_nano_usd: string;
  shortfall_nano_usd: string;
}>;

export type Balance = Readonly<{ posted: bigint; held: bigint; available: bigint }>;

async function get(gatewayUrl: string, apiKey: string, path: string): Promise<Response> {
  return fetch(`${gatewayUrl}${path}`, { headers: { authorization: `Bearer ${apiKey}` } });
}

/** Waits until the call is no longer open, at most `patienceMs`. */
export async function waitForBill(
  gatewayUrl: string,
  apiKey: string,
  id: string | null | undefined,
  timeoutMs = 10_000,
): Promise<BillJson> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const response = await get(gatewayUrl, apiKey, `/v1/generation/${id}`);
    const { data } = (await response.json()) as { data: BillJson };
    if (response.status !== 200) throw new Error(`no bill: ${response.status}`);
    if (data.status !== 'open' || Date.now() > deadline) return data;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export async function fetchBalance(gatewayUrl: string, apiKey: string): Promise<Balance> {
  const response = await get(gatewayUrl, apiKey, '/v1/credits');
  const { data } = (await response.json()) as { data: Record<string, string> };
  return {
    posted: BigInt(data.posted_nano_usd ?? '-1'),
    held: BigInt(data.held_nano_usd ?? '-1'),
    available: BigInt(data.available_nano_usd ?? '-1'),
  };
}
