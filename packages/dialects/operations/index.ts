export { FrameCounter } from './audio/mpeg-frames.ts';
export type {
  AnswerForm,
  AudioFormat,
  CountedKey,
  Counts,
  Measure,
  OperationAnswer,
  OperationFacts,
  OperationResult,
  OperationSpec,
} from './contract.ts';
export { parseEmbedContent } from './embed-content.ts';
export { isOperation, OPERATIONS, type Operation } from './names.ts';
export { AUDIO_TOKENS_PER_MINUTE, getOperationAnswer, OPERATION_SPECS } from './operations.ts';
export { editOperation, findModelName, parseOperation } from './parse-operation.ts';
