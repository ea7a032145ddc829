/** Broadcasts a signed plan for a command and prints the outcome of each step. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CHAIN_DEFAULTS, formatAddress } from '@farebox/deposits';
import { type Broadcastable, broadcast } from './broadcast.ts';
import { type CommandContext, createNetwork } from './command-context.ts';
import { integerOption, type Options } from './command-line.ts';

const POLL_INTERVAL_MS = 3_000;

/** Resolves to 0 once all steps are mined, to 1 otherwise. It can be run again. */
export async function sendSigned(
  context: CommandContext,
  options: Options,
  signed: Broadcastable,
): Promise<number> {
  const { family } = CHAIN_DEFAULTS[signed.chain];
  const deadline = context.now() + integerOption(options, 'minutes', 10, 600) * 60_000;
  const outcomes = await broadcast(createNetwork(context, options), signed, {
    now: context.now,
    wait: async () => {
      await sleep(POLL_INTERVAL_MS);
      return context.now() < deadline;
    },
    onOutcome: ({ step, state }) =>
      context.print(
        `${step.kind.padEnd(6)} ${formatAddress(family, step.from)} ${step.txHash} ${state}`,
      ),
  });
  const all = outcomes.every(({ state }) => state === 'mined');
  context.print(
    all
      ? 'All transactions are mined.'
      : 'Some transactions are not mined. Run the same command again.',
  );
  return all ? 0 : 1;
}
