/**
 * What the requests have in common whose bodies name the model, and whose fields have one name
 * each.
 */
import { toInteger } from './analysis.ts';
import type { RequestSpec } from './dialect-spec.ts';

type BodyTarget = Pick<
  RequestSpec,
  'toFieldName' | 'readInteger' | 'target' | 'createPromptReader' | 'choices'
>;

export const BODY_TARGET: BodyTarget = {
  toFieldName: (name) => name,
  readInteger: toInteger,
  target: 'body',
  createPromptReader: null,
  // OpenAI's documented maximum.
  choices: { parent: null, field: 'n', max: 128 },
};
