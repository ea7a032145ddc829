/**
 * The local stack's front: the whole product on one machine, for `npm start` and for system tests.
 * Nothing that is deployed may import this room.
 */
export type { AccountWish, LocalAccount } from './account-making.ts';
export { anvilPath } from './anvil.ts';
export { type ChainsOptions, type LocalChains, startChains } from './chains.ts';
export type { DatabaseChoice } from './database.ts';
export type { Doors } from './doors.ts';
export { type EmptyDatabase, emptyDatabase } from './empty-database.ts';
export type { ReceivedLetter } from './mailbox.ts';
export { migrate } from './migrate.ts';
export { startPostgres, type TemporaryPostgres } from './postgres.ts';
export type { ExtraProvider, ProviderAddress, ProviderChoices } from './settings.ts';
export { type LocalSns, makeSns, type SnsFields } from './sns.ts';
export { type LocalStack, type StackOptions, startStack } from './stack.ts';
