/**
 * The public API of the local stack: the whole product on one machine, for `npm start` and for
 * system tests. Nothing that is deployed may import this package.
 */

export { type AccessProxy, startAccessProxy } from './access-proxy.ts';
export { anvilPath } from './anvil.ts';
export { type LocalChains, startChains } from './chains.ts';
export type { CreateAccountOptions, LocalAccount } from './create-account.ts';
export { createEmptyDatabase, type EmptyDatabase } from './empty-database.ts';
export type { ReceivedEmail } from './mailbox.ts';
export { migrate } from './migrate.ts';
export { DEFAULT_PORTS } from './ports.ts';
export { startPostgres, type TemporaryPostgres } from './postgres.ts';
export { type LocalSns, makeSns } from './sns.ts';
export { type LocalStack, type StackOptions, startStack } from './stack.ts';
