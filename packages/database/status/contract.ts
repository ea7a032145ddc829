/**
 * What the console's entrypoint `Status` answers and the site reads. It crosses Workers RPC between
 * deployments of different ages: add fields, never change or remove one.
 */
import type { StatusIncident } from './incidents.ts';
import type { StatusDay } from './status-days.ts';

export type StatusReport = Readonly<{
  /** By component, oldest day first; the last day of a component is its state now. */
  days: readonly StatusDay[];
  incidents: readonly StatusIncident[];
}>;

export interface StatusRpc {
  read(): Promise<StatusReport>;
}
