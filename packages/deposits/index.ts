/** The front of the deposits room: nothing else of it may be imported. */
export {
  addressText,
  deriveAddress,
  type KeyFlaw,
  type ReadKeyResult,
  readAddress,
  readWatchKey,
  type WatchKey,
} from './addresses.ts';
export { CHAIN_DEFAULTS, CHAINS_OF } from './chains.ts';
export { claim } from './claim.ts';
export { type Configuration, readConfiguration } from './configuration.ts';
export type * from './contract.ts';
export { CHAINS } from './contract.ts';
export type { DepositsHouse } from './house.ts';
export {
  httpAsk,
  type Read,
  type Receipt,
  type RpcAnswer,
  type RpcAsk,
  type RpcRequest,
  readHoldings,
  readReceipt,
  readTip,
} from './rpc.ts';
export { rescan, safeBlock } from './scan.ts';
export { type AddressHouse, type ShownAddress, verifiedAddress } from './showing.ts';
export { tick } from './tick.ts';
