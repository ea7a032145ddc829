export * from './contract.ts';
export type {
  AnswerAssembler,
  AnswerRecorder,
  DialectSpec,
  ErrorKind,
  KeptMembers,
  ModelFacts,
  ModelListSpec,
  StreamPlace,
  UsageQuirks,
} from './dialect-spec.ts';
export { editModel, editRequest, hasOutputLimit } from './edit.ts';
export { parseUrlTarget, toUpstreamPath } from './gemini-path.ts';
export { isJsonObject, type JsonObject } from './json-fields.ts';
export type { KeyRole, KeyTable } from './key-table.ts';
export { mergeRunningUsage, mergeUsage } from './merge-usage.ts';
export { hasLongContextBeta } from './messages-rules.ts';
export {
  NO_USAGE_REPORTED,
  type NormalizedUsage,
  type SurchargeCount,
  toSurcharges,
} from './normalized-usage.ts';
export * from './operations/index.ts';
export { parseCountTokens, parseForEstimate, parseRequest } from './parse-request.ts';
export { isStoredAnswerPath } from './refused-collections.ts';
export { nameTerm, type ServedTerms, TERM_FIELDS } from './service-terms.ts';
export {
  checkHeaders,
  DIALECT_SPECS,
  detectDialect,
  ENDPOINT_SPECS,
  type EndpointSpec,
  findRefusedCollection,
  getForwardedHeaders,
  getOutputLimitField,
  hasKeyParameter,
} from './specs.ts';
export { estimateTokens, TokenEstimator, type TokenScale } from './token-estimator.ts';
