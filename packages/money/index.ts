/** Exact money: amounts, prices, usage and their JSON. Imports no other package and does no I/O. */
export * from './json.ts';
export * from './margin.ts';
export * from './money.ts';
export * from './service-terms.ts';
export * from './spend-kinds.ts';
export * from './token-cost.script.ts';
export * from './typed-amounts.ts';
