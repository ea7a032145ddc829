/**
 * The local stack's front: the whole product on one machine, for `npm start` and for system tests.
 * Nothing that is deployed may import this room.
 */

export { anvilPath } from './anvil.ts';
export { type ChainsOptions, type LocalChains, startChains } from './chains.ts';
export type { CreateAccountOptions, LocalAccount } from './create-account.ts';
export type { DatabaseChoice } from './database.ts';
export { createEmptyDatabase, type EmptyDatabase } from './empty-database.ts';
export type { LedgerBridge } from './ledger-bridge.ts';
export type { ReceivedEmail } from './mailbox.ts';
export { migrate } from './migrate.ts';
export { startPostgres, type TemporaryPostgres } from './postgres.ts';
export type { ExtraProvider, ProviderAddress, ProviderChoices } from './settings.ts';
export { type LocalSns, makeSns, type SnsFields } from './sns.ts';
export { type LocalStack, type StackOptions, startStack } from './stack.ts';
