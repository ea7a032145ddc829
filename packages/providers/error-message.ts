/** Finds the sentence for the caller in an error body, whatever its shape. */
import { isJsonObject } from '@farebox/dialects';

/** The members that hold a message, or something that holds one, by preference. */
const MESSAGE_MEMBERS = ['error', 'message', 'msg', 'detail', 'details', 'errors', 'title'];

const MAX_DEPTH = 5;
const MAX_ITEMS = 3;
const MAX_LENGTH = 2_000;

/** FastAPI's validation errors name the field as `loc: ["body", "stream_options"]`. */
function describeLocation(loc: unknown): string {
  if (!Array.isArray(loc)) return '';
  const names = loc.filter((name) => name !== 'body');
  return names.length === 0 ? '' : `${names.join('.')}: `;
}

function findMessage(value: unknown, depth: number): string | undefined {
  if (typeof value === 'string') return value.trim() === '' ? undefined : value;
  if (depth === 0) return undefined;
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_ITEMS).map((item: unknown) => findMessage(item, depth - 1));
    const messages = items.filter((message) => message !== undefined);
    return messages.length === 0 ? undefined : messages.join('; ');
  }
  if (!isJsonObject(value)) return undefined;
  for (const member of MESSAGE_MEMBERS) {
    const message = findMessage(value[member], depth - 1);
    if (message !== undefined) return describeLocation(value.loc) + message;
  }
  return undefined;
}

/**
 * Returns the message of an error body: OpenAI and Anthropic `{error: {message}}`, xAI
 * `{code, error: "..."}`, Gemini `[{error: {message}}]`, FastAPI `{detail: [{loc, msg}]}`, Mistral
 * `{message: {detail: [...]}}`, `{errors: [...]}`; undefined where there is none.
 */
export function findErrorMessage(body: unknown): string | undefined {
  return findMessage(body, MAX_DEPTH)?.slice(0, MAX_LENGTH);
}
