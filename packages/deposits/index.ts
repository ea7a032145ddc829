/** The public API of the deposits package. Other packages may import nothing else of it. */
export {
  deriveAddress,
  formatAddress,
  PAYOUT_PATH,
  type ParseWatchKeyResult,
  parseAddress,
  parseWatchKey,
  type WatchKey,
  type WatchKeyError,
} from './addresses.ts';
export { readTokenBalances, type TokenBalance } from './balances.ts';
export { readTip } from './blocks.ts';
export { CHAIN_DEFAULTS, CHAINS_BY_FAMILY } from './chains.ts';
export { claim } from './claim.ts';
export { type Configuration, isProviderUrl, parseConfiguration } from './configuration.ts';
export type * from './contract.ts';
export { CHAINS } from './contract.ts';
export { rescan } from './daily-rescan.ts';
export type { DepositDeps } from './deps.ts';
export {
  httpTransport,
  type RpcRequest,
  type RpcResponse,
  type RpcResult,
  type RpcTransport,
} from './json-rpc.ts';
export { NETWORK_NAMES } from './network-names.ts';
export { safeBlock } from './provider-agreement.ts';
export { readReceipt, type TransactionReceipt } from './receipts.ts';
export {
  checkRefundAddress,
  isUnspendable,
  REFUND_FEES,
  REFUND_STEP,
  type RefundAddressError,
  toTokenUnits,
} from './refund-addresses.ts';
export { runScheduled } from './scheduled.ts';
export {
  type AddressDeps,
  getVerifiedAddress,
  type VerifiedAddressResult,
} from './verified-address.ts';
