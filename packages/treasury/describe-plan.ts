/** What the commands print about a plan, for the operator to review. */
import { CHAIN_DEFAULTS, type ChainName, formatAddress } from '@farebox/deposits';
import type { Plan, Skipped } from './contract.ts';
import { COIN_DECIMALS } from './costs.ts';

export const COIN_SYMBOLS: Readonly<Record<ChainName, string>> = {
  tron: 'TRX',
  bsc: 'BNB',
  polygon: 'POL',
};

/** Decimal, without trailing zeros. */
export function formatUnits(units: bigint, decimals: number): string {
  const digits = units.toString().padStart(decimals + 1, '0');
  const fraction = digits.slice(-decimals).replace(/0+$/, '');
  return digits.slice(0, -decimals) + (fraction === '' ? '' : `.${fraction}`);
}

/** Prints a plan, and the addresses it skips although they hold something. */
export function describePlan(
  print: (line: string) => void,
  plan: Plan,
  skipped: readonly Skipped[],
): void {
  const { family, decimals } = CHAIN_DEFAULTS[plan.chain];
  const sweeps = plan.steps.filter(({ kind }) => kind === 'sweep');
  const total = sweeps.reduce((sum, { units }) => sum + BigInt(units), 0n);
  const coins = formatUnits(BigInt(plan.maxFee), COIN_DECIMALS[family]);
  print(`plan         ${plan.id}`);
  print(`network      ${plan.chain}`);
  print(`destination  ${plan.destination}`);
  print(`sweeps       ${sweeps.length} addresses, ${formatUnits(total, decimals)} USDT`);
  print(`funds        ${plan.steps.length - sweeps.length} addresses`);
  print(`max cost     ${coins} ${COIN_SYMBOLS[plan.chain]}`);
  print(`expires      ${new Date(plan.expiresAt).toISOString()}`);
  for (const { address, units, reason } of skipped.filter((one) => one.reason !== 'empty')) {
    print(
      `skipped      ${formatAddress(family, address)}: ${formatUnits(BigInt(units), decimals)} USDT, ${reason}`,
    );
  }
}
