/**
 * Confirms reported sweeps on the chain. A report is a form that one operator filled in; it counts
 * in the audit once every provider shows, in a final block, that the transaction moved exactly
 * these units from the address. Otherwise a report could silence the audit after a theft.
 */
import {
  countUnconfirmedSweeps,
  isKnownSweepDestination,
  listReportedSweeps,
  type SweepFinding,
  type SweptDeposit,
  setSweepFinding,
} from '@farebox/database/deposits';
import type { Tip } from './blocks.ts';
import type { Chain } from './contract.ts';
import type { DepositDeps } from './deps.ts';
import { safeBlock } from './provider-agreement.ts';
import { readReceiptsEverywhere, type TransactionReceipt } from './receipts.ts';

/** java-tron accepts at most 100 requests in a batch (config.conf, maxBatchSize). */
const SWEEPS_PER_RUN = 100;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** What one provider shows of a sweep; null while it shows no final receipt. */
type Sighting = Readonly<{ moved: boolean; destination: string | null }> | null;

const UNSEEN: SweepFinding = { state: 'reported', destination: null };
const CONTRADICTED: SweepFinding = { state: 'contradicted', destination: null };

/** What a final receipt says of the sweep. Pure. */
function readSighting(
  receipt: TransactionReceipt | undefined,
  token: string,
  { address, units }: SweptDeposit,
  finalBlock: number,
): Sighting {
  if (receipt === undefined || receipt.blockNumber > finalBlock) return null;
  const sent = receipt.transfers.filter(
    ({ contract, sender }) => contract === token && sender === address,
  );
  const sum = sent.reduce((total, transfer) => total + transfer.units, 0n);
  const destinations = new Set(sent.map(({ recipient }) => recipient));
  const [destination = null] = destinations;
  const moved = receipt.succeeded && sum === units && destinations.size === 1;
  return { moved, destination };
}

/** All providers must show the same transfer, or all must show that it is another. Pure. */
function combineSightings(sightings: readonly Sighting[]): SweepFinding {
  const seen = sightings.flatMap((sighting) => sighting ?? []);
  const [first] = seen;
  if (first === undefined || seen.length < sightings.length) return UNSEEN;
  if (seen.every(({ moved }) => !moved)) return CONTRADICTED;
  const { destination } = first;
  const isAgreed = seen.every((one) => one.moved && one.destination === destination);
  return isAgreed ? { state: 'confirmed', destination } : UNSEEN;
}

/** Logs a destination that no sweep of the chain went to before: only the treasury's may appear. */
async function reportNewDestination(
  { db, logEvent }: DepositDeps,
  { name }: Chain,
  { destination }: SweepFinding,
): Promise<void> {
  if (destination === null || (await isKnownSweepDestination(db, name, destination))) return;
  logEvent({ event: 'sweep_to_new_address', chain: name });
}

/** Logged once an hour: sweeps that were reported over an hour ago and are not confirmed. */
async function reportUnconfirmed({ db, now, logEvent }: DepositDeps, chain: Chain): Promise<void> {
  if (now() % HOUR_MS >= MINUTE_MS) return;
  const count = (await countUnconfirmedSweeps(db, now() - HOUR_MS)).get(chain.name) ?? 0;
  if (count > 0) logEvent({ event: 'sweep_not_confirmed', chain: chain.name, count });
}

/** Asks the providers about the sweeps that were reported, at most `SWEEPS_PER_RUN` of them. */
export async function confirmSweeps(
  deps: DepositDeps,
  chain: Chain,
  tips: readonly Tip[],
): Promise<void> {
  const { db, now } = deps;
  await reportUnconfirmed(deps, chain);
  const sweeps = await listReportedSweeps(db, chain.name, SWEEPS_PER_RUN);
  if (sweeps.length === 0) return;
  const views = await readReceiptsEverywhere(
    deps.rpcTransport,
    chain.providers,
    sweeps.map(({ txHash }) => txHash),
  );
  if (views === null) return;
  const finalBlock = safeBlock(chain, tips);
  for (const sweep of sweeps) {
    const sightings = views.map((receipts) =>
      readSighting(receipts.get(sweep.txHash), chain.token, sweep, finalBlock),
    );
    const finding = combineSightings(sightings);
    await reportNewDestination(deps, chain, finding);
    await setSweepFinding(db, sweep, finding, now());
  }
}
