/** Stops a chain whose final blocks changed. */
import { haltChain } from '@farebox/database/deposits';
import type { Chain } from './contract.ts';
import type { DepositDeps } from './deps.ts';

type FinalityViolation = Readonly<{
  block: number;
  expected: string;
  found: string;
  provider: number;
}>;

/**
 * Records the evidence, logs `chain_halted`, and stops all crediting on this chain until an
 * operator resumes it.
 */
export async function halt(
  deps: DepositDeps,
  chain: Chain,
  violation: FinalityViolation,
): Promise<void> {
  const { block, expected, found, provider } = violation;
  const kind = 'finality_violated';
  await haltChain(deps.db, {
    chain: chain.name,
    kind,
    blockNumber: block,
    expected,
    found,
    provider,
    now: deps.now(),
  });
  deps.logEvent({ event: 'chain_halted', chain: chain.name, kind, block });
}
