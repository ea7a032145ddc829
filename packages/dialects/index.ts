export type * from './contract.ts';
export { editModel, editRequest } from './edit.ts';
export { parseCountTokens, parseRequest } from './parse-request.ts';
export { estimateTokens, TokenEstimator } from './token-estimator.ts';
