/** The status page's rows: written by the console's cron and by operators, read by the site. */
export type * from './contract.ts';
export * from './incidents.ts';
export * from './status-days.ts';
export * from './status-facts.ts';
