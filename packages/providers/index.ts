export type * from './contract.ts';
export { pingFor } from './keep-alive.ts';
export { createMeter } from './meter.ts';
export { send } from './outbound.ts';
export { configureProviders } from './registry.ts';
