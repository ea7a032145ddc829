export { concatBytes } from './concat-bytes.ts';
export * from './contract.ts';
export { findErrorMessage } from './error-message.ts';
export { estimateInputTokens } from './input-estimate.ts';
export { findRefusedFields, type LearnableField, LearnedFields } from './learned-fields.ts';
export { createMeter } from './meter/index.ts';
export {
  createOperationMeter,
  type OperationMeter,
  type OperationUse,
} from './meter/operation-meter.ts';
export { type MeterStage, withStage } from './meter/staged-meter.ts';
export { connectSocket, send } from './outbound.ts';
export { readUpTo } from './read-up-to.ts';
export { configureProviders } from './registry.ts';
