export type * from './contract.ts';
export { NO_LIMITS, SETTLE_REASONS } from './contract.ts';
