/**
 * Errors that a provider sends in place of an answer, under a status of success. Their shapes are
 * those of error responses, and some of their own.
 */
import { isJsonObject, type JsonObject } from '@farebox/dialects';
import type { AnswerError } from '../contract.ts';
import { findErrorMessage } from '../error-message.ts';
import {
  classifyUpstreamError,
  isContentRefusal,
  type UpstreamErrorKind,
} from '../upstream-errors.ts';

/**
 * Words of sentences about Farebox's own account at the provider (its balance, quota, keys, plan),
 * which callers are not told. Broad on purpose: what is withheld is only a sentence.
 */
const ACCOUNT_WORDS =
  /\b(account|organi[sz]ation|api[\s_-]?keys?|balance|billing|credits?|quota|payment|subscription|team|tenant|workspace|project|unauthori[sz]ed|authenticat\w*)\b/i;

function isPresent(value: unknown): boolean {
  if (typeof value === 'string') return value !== '';
  if (Array.isArray(value)) return value.length > 0;
  return isJsonObject(value) && Object.keys(value).length > 0;
}

/** Returns the error inside a choice, where OpenRouter puts those of the models behind it. */
function findChoiceError({ choices }: JsonObject): JsonObject | null {
  const listed: unknown[] = Array.isArray(choices) ? choices : [];
  const failed = listed.find((choice) => isJsonObject(choice) && isPresent(choice.error));
  return isJsonObject(failed) ? failed : null;
}

/** MiniMax states its errors beside the answer's own members (cline issue 8384). */
function hasMinimaxError({ base_resp: state }: JsonObject): boolean {
  return isJsonObject(state) && Number(state.status_code ?? 0) !== 0;
}

/** Returns whether an event or document states an error in a member of its own. */
export function hasError(document: JsonObject): boolean {
  return (
    isPresent(document.error) ||
    document.object === 'error' ||
    hasMinimaxError(document) ||
    findChoiceError(document) !== null
  );
}

/**
 * Returns whether an event that is no part of an answer is an error without a member `error`, as
 * vLLM (`{object: "error", message}`) and FastAPI (`{detail}`) write them.
 */
export function isBareError({ message, detail }: JsonObject): boolean {
  return (typeof message === 'string' && message !== '') || isPresent(detail);
}

function toText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** Returns the object that has an error's members, wherever this provider puts it. */
function findErrorObject(document: JsonObject): JsonObject {
  const { error, base_resp: minimax, errors, response } = document;
  if (isJsonObject(error)) return error;
  // The last event of a stream of Responses that failed.
  if (isJsonObject(response) && isPresent(response.error)) return findErrorObject(response);
  if (isJsonObject(minimax) && hasMinimaxError(document))
    return { code: minimax.status_code, message: minimax.status_msg };
  const choice = findChoiceError(document);
  if (choice !== null) return findErrorObject(choice);
  const [first]: unknown[] = [error, errors].flatMap((list) => (Array.isArray(list) ? list : []));
  return isJsonObject(first) ? first : document;
}

/**
 * What types and codes of errors about a request have in them (OpenAI's reference, `ResponseError`;
 * a code that names nothing is a server's).
 */
const REQUEST_ERROR =
  /invalid_|bad_request|not_found|unsupported_|context_length|content_policy|image_(too|parse|file)|empty_image/;

/**
 * Returns an HTTP status that the error names as its code, or its event beside it, as OpenAI's
 * WebSocket does; or one by its type; or 500.
 */
function getStatus(error: JsonObject, document: JsonObject): number {
  const stated = [error.code, error.status, error.status_code, document.status];
  for (const value of stated) {
    const status = Number(value);
    if (Number.isInteger(status) && status >= 400 && status <= 599) return status;
  }
  return REQUEST_ERROR.test(`${error.type} ${error.code}`) ? 400 : 500;
}

/** Under a status of success an error about our account is known by its own code or sentence. */
function classifyError(status: number, error: JsonObject): UpstreamErrorKind {
  const text = JSON.stringify({ error });
  const asRejection = classifyUpstreamError(400, text);
  return asRejection === 'provider_account_error'
    ? asRejection
    : classifyUpstreamError(status, text);
}

/**
 * Reads the error of a document that is no answer. The message is null if it is about our account
 * at the provider, or if there is none.
 */
export function readAnswerError(document: JsonObject): AnswerError {
  const error = findErrorObject(document);
  const text = findErrorMessage(error) ?? findErrorMessage(document) ?? toText(error.error_msg);
  const status = getStatus(error, document);
  const kind = classifyError(status, error);
  const isPrivate =
    kind === 'provider_account_error' || (text !== null && ACCOUNT_WORDS.test(text));
  const isOfContent = [{ error }, document].some((body) => isContentRefusal(JSON.stringify(body)));
  const ofRequest = kind === 'rejected' ? 'request' : null;
  return {
    rejection: isOfContent ? 'content' : ofRequest,
    message: isPrivate ? null : text,
    isRetryable: kind === 'overloaded' && !isPrivate,
    isAccountError: kind === 'provider_account_error',
  };
}
