/**
 * The ledger's contract: every request an account answers and every result. These shapes cross
 * Workers RPC between deployments of different ages: add fields, never change or remove one
 * (docs/decisions/0004-ledger-contract.md).
 */
export type * from './accounts.ts';
export * from './budgets.ts';
export * from './calls.ts';
export * from './deposits.ts';
export type * from './entries.ts';
export * from './identifiers.ts';
export * from './key-rules.ts';
export * from './keys.ts';
export * from './notifications.ts';
export type * from './operators.ts';
export type * from './refunds.ts';
export * from './refused-calls.ts';
export type * from './statements.ts';
