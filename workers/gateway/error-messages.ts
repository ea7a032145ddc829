/**
 * The message of every API error. Messages are written here: of what the caller sent they repeat
 * only a model's name, and field names that stand in our own tables.
 */
import type { RequestError } from '@farebox/dialects';
import type { BudgetDecline, BudgetPeriod, HoldDecline } from '@farebox/ledger';
import { formatUsd, type NanoUsd } from '@farebox/money';
import { getProviderName } from '@farebox/providers/list';
import { ACCEPTED_ENCODINGS } from './content-encoding.ts';
import type { ApiError } from './errors.ts';

function insufficientFundsMessage(
  summary: string,
  remedy: string,
  missing: NanoUsd,
  affordableTokens: number,
): string {
  // Not every call has an output limit: what an image or a recording costs is bounded otherwise.
  const suggestion =
    affordableTokens > 0
      ? `An output limit of at most ${affordableTokens} tokens would fit.`
      : `${remedy}, or ask for less.`;
  return `${summary} The worst case of this call needs ${formatUsd(missing)} USD more. ${suggestion}`;
}

const PERIOD_NAMES: Readonly<Record<BudgetPeriod, string>> = {
  day: 'daily',
  week: 'weekly',
  month: 'monthly',
};

function budgetMessage({ missingAmount, affordableOutput, renewing }: BudgetDecline): string {
  if (renewing === undefined)
    return insufficientFundsMessage(
      "The API key's spending limit is too low for this call.",
      "Raise the key's limit",
      missingAmount,
      affordableOutput,
    );
  const { period, budget, resetsAt, retryAfterSeconds } = renewing;
  const name = `The API key's ${PERIOD_NAMES[period]} budget of ${formatUsd(budget)} USD`;
  const resets = `It resets at ${new Date(resetsAt).toISOString()}.`;
  const summary =
    retryAfterSeconds === null
      ? `${name} is too low for this call, even when nothing of it is used.`
      : `${name} has too little left for this call, with what calls in progress reserve. ${resets}`;
  return insufficientFundsMessage(
    summary,
    "Raise the key's budget",
    missingAmount,
    affordableOutput,
  );
}

function requestErrorMessage(apiError: RequestError): string {
  switch (apiError.reason) {
    case 'invalid_json':
      return 'The body is not valid JSON in UTF-8.';
    case 'not_an_object':
      return 'The body must be a JSON object.';
    case 'nesting_too_deep':
      return 'The body is nested too deeply.';
    case 'duplicate_field':
      if (apiError.inObject === true)
        return `An object has one of its members more than once: "${apiError.field}". Parsers disagree on which one counts.`;
      return `The field "${apiError.field}" appears more than once; parsers disagree on which one counts.`;
    case 'missing_field':
      return `The field "${apiError.field}" is required.`;
    case 'invalid_field':
      return `The field "${apiError.field}" must be ${apiError.expected}.`;
    case 'wrong_dialect':
      return `The field "${apiError.field}" belongs to another endpoint: send this body to ${apiError.correctEndpoint}.`;
    case 'unsupported_feature':
      return `"${apiError.field}" is not supported here: ${apiError.explanation}.`;
  }
}

function holdDeclineMessage(apiError: HoldDecline): string {
  switch (apiError.reason) {
    case 'invalid_api_key':
      return 'Invalid API key. Farebox keys start with "fbx_" and are shown once, when they are created; check for a typo.';
    case 'key_revoked':
      return 'This API key was revoked.';
    case 'key_expired':
      return 'This API key has expired.';
    case 'key_paused':
      return 'This API key is paused until midnight UTC, because it spent far more today than usual. Its owner can resume it in the console now.';
    case 'model_not_allowed':
      return 'This API key may not call this model.';
    case 'model_too_expensive':
      return `This API key may call models of up to ${formatUsd(apiError.maxOutputPrice)} USD per million output tokens. The model "${apiError.model}" costs ${formatUsd(apiError.outputPrice)} USD here.`;
    case 'account_frozen':
      return 'This account is frozen. Contact support.';
    case 'account_closed':
      return 'This account is closed.';
    case 'key_limit_exceeded':
      return budgetMessage(apiError);
    case 'insufficient_balance':
      return insufficientFundsMessage(
        'The balance is too low for this call.',
        'Add credits',
        apiError.missingAmount,
        apiError.affordableOutput,
      );
    case 'balance_held':
      return `${insufficientFundsMessage('The balance is reserved for calls in progress.', 'Add credits', apiError.missingAmount, apiError.affordableOutput)} Or try again when they have settled.`;
    case 'rate_limited':
      return 'Too many calls with this API key. Slow down.';
    case 'too_many_concurrent_calls':
      return 'Too many concurrent calls. Wait until some have finished.';
    case 'refused_calls_slowed':
      return 'The provider refused the last calls of this API key. Correct the request; until one succeeds, calls are slowed down.';
    case 'provider_share_exceeded':
      return "This account has reached its share of the provider's rate limit. Slow down.";
    case 'refusal_limit_exceeded':
      return "The provider refused too many of this account's calls today. Correct the requests; calls are accepted again after midnight UTC.";
    case 'conflict':
      return 'Something went wrong on our end.';
  }
}

function upstreamErrorMessage(apiError: Extract<ApiError, { provider: string }>): string {
  const provider = getProviderName(apiError.provider);
  switch (apiError.reason) {
    case 'upstream_overloaded':
      return `${provider} is overloaded, or failed. Try again shortly. Nothing was charged.`;
    case 'upstream_rate_limited':
      return `${provider} limits the rate of requests. Try again shortly. Nothing was charged.`;
    case 'upstream_account_error':
      return `${provider} rejected Farebox's own account. We have been alerted.`;
    case 'upstream_unreachable':
      return `${provider} could not be reached. Nothing was charged.`;
    case 'upstream_timeout':
      return `${provider} timed out.`;
    case 'upstream_disconnected':
      return `${provider} disconnected before the end of its response.`;
    case 'upstream_error':
      return apiError.message ?? `${provider} answered with an error.`;
    case 'upstream_invalid_response':
      return `${provider} sent a response that is no answer.`;
  }
}

type ModelError = Extract<
  ApiError,
  { reason: 'model_not_found' | 'model_not_supported_on_endpoint' }
>;

function modelErrorMessage(apiError: ModelError): string {
  if (apiError.reason === 'model_not_supported_on_endpoint') {
    return `The model "${apiError.model}" is not supported on this endpoint. Use ${apiError.endpoints.join(' or ')}.`;
  }
  const hint =
    apiError.suggestions.length > 0 ? ` Did you mean ${apiError.suggestions.join(', ')}?` : '';
  return `The model "${apiError.model}" does not exist or is not offered.${hint} GET /v1/models lists all models.`;
}

/** Returns the message of an error, in English. */
export function errorMessage(apiError: ApiError): string {
  switch (apiError.reason) {
    case 'missing_api_key':
      return 'Missing API key. Send it as "Authorization: Bearer fbx_..." or "x-api-key".';
    case 'api_key_in_url':
      return 'Send the API key in a header ("Authorization: Bearer fbx_...", or "x-goog-api-key"), not in the URL, which logs keep. Treat a key that was in a URL as leaked, and rotate it.';
    case 'https_required':
      return 'Use https. Treat a key sent over plain http as leaked, and revoke it.';
    case 'internal':
      return 'Something went wrong on our end.';
    case 'not_found':
      return 'This endpoint does not exist. GET /v1/models lists the models and the endpoints of each.';
    case 'wrong_base_url':
      return `The base URL is wrong: this endpoint is ${apiError.endpoint}. Set the base URL to this host with /v1 in OpenAI's SDKs, and without it in Anthropic's.`;
    case 'method_not_allowed':
      return `This endpoint accepts only ${apiError.allowed}.`;
    case 'body_too_large':
      return `The body is larger than ${apiError.maxBytes} bytes.`;
    case 'unsupported_media_type':
      return `The body must be ${apiError.accepted.join(' or ')}.`;
    case 'unsupported_content_encoding':
      return `The body's Content-Encoding is not supported. Use ${ACCEPTED_ENCODINGS.join(', ')}, or none.`;
    case 'invalid_content_encoding':
      return 'The body can not be decoded as its Content-Encoding says.';
    case 'incomplete_body':
      return 'The body is shorter than its Content-Length, or arrived too slowly.';
    case 'gateway_busy':
      return 'Too many large requests at once. Try again in a moment.';
    case 'websocket_not_supported':
      return 'No provider that answers here takes this over WebSocket. Send it over HTTP.';
    case 'generation_not_found':
      return 'This account has no call with this id.';
    case 'answer_not_stored':
      return 'Answers are not stored here, so none can be fetched, continued, cancelled or deleted by its id. Keep what a call returns; GET /v1/generation/{id} has what it cost.';
    case 'ledger_unreachable':
      return 'The account could not be reached. Try again in a moment. Nothing was charged.';
    case 'call_stopped':
      return `This call was stopped: ${holdDeclineMessage({ reason: apiError.stopReason })}`;
    case 'model_not_found':
    case 'model_not_supported_on_endpoint':
      return modelErrorMessage(apiError);
    case 'upstream_overloaded':
    case 'upstream_rate_limited':
    case 'upstream_account_error':
    case 'upstream_unreachable':
    case 'upstream_timeout':
    case 'upstream_disconnected':
    case 'upstream_error':
    case 'upstream_invalid_response':
      return upstreamErrorMessage(apiError);
    case 'invalid_json':
    case 'not_an_object':
    case 'nesting_too_deep':
    case 'duplicate_field':
    case 'missing_field':
    case 'invalid_field':
    case 'wrong_dialect':
    case 'unsupported_feature':
      return requestErrorMessage(apiError);
    default:
      return holdDeclineMessage(apiError);
  }
}
