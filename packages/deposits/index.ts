/** The front of the deposits room: nothing else of it may be imported. */
export {
  deriveAddress,
  formatAddress,
  type ParseWatchKeyResult,
  parseAddress,
  parseWatchKey,
  type WatchKey,
  type WatchKeyError,
} from './addresses.ts';
export { CHAIN_DEFAULTS, CHAINS_BY_FAMILY } from './chains.ts';
export { claim } from './claim.ts';
export { type Configuration, parseConfiguration } from './configuration.ts';
export type * from './contract.ts';
export { CHAINS } from './contract.ts';
export type { DepositDeps } from './deps.ts';
export {
  httpTransport,
  type Receipt,
  type RpcRequest,
  type RpcResponse,
  type RpcResult,
  type RpcTransport,
  readReceipt,
  readTip,
  readTokenBalances,
} from './rpc.ts';
export { rescan, safeBlock } from './scan.ts';
export { runScheduled } from './scheduled.ts';
export {
  type AddressDeps,
  getVerifiedAddress,
  type VerifiedAddressResult,
} from './verified-address.ts';
