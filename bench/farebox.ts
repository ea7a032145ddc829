/** Farebox itself: gateway and ledger, as they are bundled for deployment, in one plain workerd. */
import type { Stage, Subject } from './subjects.ts';

export async function startFarebox(_stage: Stage): Promise<Subject> {
  throw new Error('bench: not yet');
}
