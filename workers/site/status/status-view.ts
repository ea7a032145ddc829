/** What the status page shows, from the rows of the console's cron. Pure. */
import type { StatusDay, StatusIncident, StatusReport } from '@farebox/database/status';
import { CANARY_COMPONENT, STATUS_COMPONENTS } from '@farebox/database/status/components';

export type ComponentState = 'up' | 'down' | 'unknown';

export type ComponentStatus = Readonly<{
  component: string;
  state: ComponentState;
  /** Since when the state is what it is; for `unknown` the time of the last check. */
  since: number;
  /** Of the checks of the last 90 days, in hundredths of a percent. */
  uptimeBasisPoints: number;
  /** The days on which a check failed, newest first. */
  failedDays: readonly Readonly<{ day: number; checks: number; failures: number }>[];
}>;

export type StatusView = Readonly<{
  components: readonly ComponentStatus[];
  incidents: readonly StatusIncident[];
  /** The time of the last check of any component; null before the first. */
  checkedAt: number | null;
}>;

/** The cron runs every five minutes; three missed runs in a row are not chance. */
const UNKNOWN_AFTER_MS = 20 * 60_000;
/** The canary runs once a day; one missed run is chance. */
const CANARY_UNKNOWN_AFTER_MS = 50 * 3_600_000;

function rank(component: string): number {
  const index = STATUS_COMPONENTS.indexOf(component);
  return index < 0 ? STATUS_COMPONENTS.length : index;
}

function toComponentStatus(component: string, days: readonly StatusDay[], now: number) {
  const last = days.at(-1);
  if (last === undefined) return [];
  const checks = days.reduce((sum, day) => sum + day.checks, 0);
  const failures = days.reduce((sum, day) => sum + day.failures, 0);
  const limit = component === CANARY_COMPONENT ? CANARY_UNKNOWN_AFTER_MS : UNKNOWN_AFTER_MS;
  const isKnown = now - last.checkedAt <= limit;
  const state: ComponentState = isKnown ? (last.isUp ? 'up' : 'down') : 'unknown';
  return [
    {
      component,
      state,
      since: isKnown ? last.since : last.checkedAt,
      // Rounded down: 100% means that no check failed.
      uptimeBasisPoints: Math.floor((10_000 * (checks - failures)) / Math.max(1, checks)),
      failedDays: days.filter((day) => day.failures > 0).reverse(),
    },
  ];
}

/** `now` is milliseconds since the epoch. A component without a recent check is `unknown`. */
export function toStatusView({ days, incidents }: StatusReport, now: number): StatusView {
  const byComponent = Map.groupBy(days, ({ component }) => component);
  const components = [...byComponent]
    .flatMap(([component, own]) => toComponentStatus(component, own, now))
    .sort((one, other) => rank(one.component) - rank(other.component));
  const times = days.map(({ checkedAt }) => checkedAt);
  return { components, incidents, checkedAt: times.length === 0 ? null : Math.max(...times) };
}
