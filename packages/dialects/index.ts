export type * from './contract.ts';
export { editModel, editRequest } from './edit.ts';
export { readCountTokens, readRequest } from './request.ts';
export { likelyTokens, TokenEstimate } from './tokens.ts';
