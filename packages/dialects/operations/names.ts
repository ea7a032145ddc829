/** The names of operations, as endpoints of providers and in the records of calls. */

/** `operations.ts` has the spec of each. */
export const OPERATIONS = [
  'embeddings',
  'images',
  'image_edits',
  'speech',
  'transcriptions',
  'translations',
  'moderations',
  'rerank',
] as const;
export type Operation = (typeof OPERATIONS)[number];

export function isOperation(endpoint: string): endpoint is Operation {
  return OPERATIONS.some((operation) => operation === endpoint);
}
