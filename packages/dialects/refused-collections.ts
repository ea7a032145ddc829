/**
 * Collections of the providers' own APIs that are not served, each with the reason: a client that
 * asks for one is told why, and what to do instead, and not that the path does not exist.
 */
export const FETCHED_LATER = 'its answer would be fetched, and billed, later';

const STORED = 'it would be stored at the provider, where all callers share one account';
const LIVE = 'live sessions are not served';

/** By the path after the version, at Google. */
export const GOOGLE_COLLECTIONS: ReadonlyMap<string, string> = new Map([
  ['cachedContents', `${STORED}. Implicit caching needs nothing, and is billed when it helps`],
  ['files', `${STORED}. Send files as inlineData`],
  ['fileSearchStores', STORED],
  ['tunedModels', STORED],
  ['corpora', STORED],
  ['batches', FETCHED_LATER],
  ['operations', FETCHED_LATER],
  [
    'interactions',
    'Google does not say what the history of an interaction costs. Use generateContent',
  ],
]);

/** The same at OpenAI and Anthropic (the lists of endpoints in their API references). */
export const OTHER_COLLECTIONS: ReadonlyMap<string, string> = new Map([
  ['files', `${STORED}. Send files in the request that needs them`],
  ['uploads', `${STORED}. Send files in the request that needs them`],
  ['vector_stores', STORED],
  ['containers', STORED],
  ['skills', STORED],
  ['assistants', `${STORED}. Use /v1/responses`],
  ['threads', `${STORED}. Use /v1/responses`],
  ['conversations', `${STORED}. Send the earlier items in "input"`],
  ['fine_tuning', STORED],
  ['evals', STORED],
  ['batches', FETCHED_LATER],
  ['messages/batches', FETCHED_LATER],
  ['videos', FETCHED_LATER],
  ['realtime', LIVE],
  ['images/variations', 'no model that is offered makes variations. Use /v1/images/edits'],
  ['completions', 'a prompt without messages is not served. Use /v1/chat/completions'],
  ['complete', 'a prompt without messages is not served. Use /v1/messages'],
  ['organization', 'it is about an account at the provider, which callers have no part in'],
  ['organizations', 'it is about an account at the provider, which callers have no part in'],
]);

const COLLECTION_PATH =
  /^\/(?:upload\/)?(?:v1beta|v1)\/((?:messages\/|images\/)?[A-Za-z_]+)(?=$|[/:])/;

/** Returns the collection that a path of a provider's API names; null for any other path. */
export function findCollection(path: string): string | null {
  return COLLECTION_PATH.exec(path)?.[1] ?? null;
}

/** An answer by its id: of Responses, and of Chat Completions that were stored. */
const STORED_ANSWER_PATH = /^\/v1\/(?:responses|chat\/completions)\/[^/]+(?:\/|$)/;

/** Returns whether a path names an answer that was made before. */
export function isStoredAnswerPath(path: string): boolean {
  return STORED_ANSWER_PATH.test(path);
}
