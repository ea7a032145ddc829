/** Why each error code of the API happens and what its reader can do, in English; Markdown. */

export type ErrorExplanation = Readonly<{ cause: string; remedy: string }>;

function explain(cause: string, remedy: string): ErrorExplanation {
  return { cause, remedy };
}

const AUTHENTICATION = {
  missing_api_key: explain(
    'The request has no API key.',
    'Send it as `Authorization: Bearer fbx_...`, as `x-api-key` (Anthropic’s SDKs) or as `x-goog-api-key` (Google’s). Check that the environment variable is set in the process that calls.',
  ),
  invalid_api_key: explain(
    'The text is not a key of this service: its checksum or its signature is wrong, or the key does not exist.',
    'Copy the key again without spaces or quotes. A key is shown once; make a new one in the console if it is lost.',
  ),
  api_key_in_url: explain(
    'The key was in the address (`?key=`), which logs and proxies keep.',
    'Send it in a header, and rotate the key: treat it as leaked.',
  ),
  key_revoked: explain(
    'Its owner revoked this key, or it was found in public and revoked.',
    'Make a new key in the console.',
  ),
  key_expired: explain('The key’s expiry date has passed.', 'Make a new key in the console.'),
  key_paused: explain(
    'The key spent far more today than it usually does, so it is paused until midnight UTC.',
    'Its owner resumes it in the console, under API keys, if the spending is wanted.',
  ),
  https_required: explain(
    'The request came over plain HTTP, so its key was readable on the way.',
    'Use https, and rotate the key.',
  ),
  model_not_allowed: explain(
    'The key’s list of models does not have this one.',
    'Call another model, or change the key’s models in the console.',
  ),
  model_too_expensive: explain(
    'The model costs more per output token than the key may spend.',
    'Call a cheaper model, or raise the key’s highest output price in the console.',
  ),
  account_frozen: explain(
    'An operator froze the account.',
    'Write to support; the balance is untouched.',
  ),
  account_closed: explain('The account was deleted.', 'A deleted account can’t be used again.'),
};

const REQUEST = {
  not_found: explain(
    'There is no such endpoint.',
    'Compare the path with the [API reference](/docs/api).',
  ),
  wrong_base_url: explain(
    'The base URL doubles or lacks a part, such as `/v1/v1/messages`.',
    'With OpenAI’s SDKs the base URL ends in `/v1`; with Anthropic’s and Google’s it does not. The message names the endpoint that was meant.',
  ),
  answer_not_stored: explain(
    'The request asks for a stored answer, and Farebox stores no answers.',
    'Send the conversation so far with each request, as with `store: false`.',
  ),
  generation_not_found: explain(
    'This account has no call with this id.',
    'Use the `x-request-id` of an answer that a key of the same account received.',
  ),
  method_not_allowed: explain(
    'The endpoint exists, but not with this HTTP method.',
    'Use the method that the header `Allow` names.',
  ),
  model_not_found: explain(
    'No offered model has this name.',
    'Take the name from `GET /v1/models`, or one of the suggestions in the message. A model that its provider switched off is no longer offered.',
  ),
  model_not_supported_on_endpoint: explain(
    'The model’s provider does not speak the dialect of this endpoint.',
    'Call one of the endpoints that the message names, or choose another model.',
  ),
  websocket_not_supported: explain(
    'The model’s provider takes no Responses over WebSocket.',
    'Send the same request over HTTP.',
  ),
  body_too_large: explain(
    'The body has more bytes than the limit in the message, after decompression.',
    'Send less: smaller images, or fewer messages.',
  ),
  incomplete_body: explain(
    'The body ended before its `Content-Length`, or arrived too slowly.',
    'Send it again over a stable connection.',
  ),
  unsupported_media_type: explain(
    'The endpoint does not take this `Content-Type`.',
    'Send one of those that the message names.',
  ),
  unsupported_content_encoding: explain(
    'The body is compressed in a way that is not supported.',
    'Use gzip, deflate, br or zstd, or none.',
  ),
  invalid_content_encoding: explain(
    'The body is not what its `Content-Encoding` says.',
    'Compress it once, or leave the header out.',
  ),
  invalid_json: explain(
    'The body is not valid JSON in UTF-8.',
    'Check quoting; shells often change quotes in an inline body.',
  ),
  not_an_object: explain('The body is JSON, but no object.', 'Send an object.'),
  nesting_too_deep: explain('The body is nested too deeply.', 'Flatten it.'),
  duplicate_field: explain(
    'A field stands twice in one object, and parsers disagree on which one counts.',
    'Send each field once.',
  ),
  missing_field: explain('A required field is missing.', 'Add the field that the message names.'),
  invalid_field: explain(
    'A field has a value that the endpoint does not take.',
    'Correct the field that `param` names.',
  ),
  wrong_dialect: explain(
    'A field belongs to another dialect than the endpoint’s.',
    'Send the body to the endpoint that the message names.',
  ),
  unsupported_feature: explain(
    'The request asks for something that can’t be priced or bounded here.',
    'The message says what and why. See [dialects](/docs/dialects) for what each endpoint takes.',
  ),
};

const LIMITS = {
  insufficient_balance: explain(
    'The balance can’t pay for the worst case of this call: its input plus the whole output limit.',
    'Set a lower output limit: `affordable_max_output_tokens` says which one fits. Or add credits: `missing_usd` says how much is missing.',
  ),
  key_limit_exceeded: explain(
    'The key’s spending limit or its budget for the day, week or month can’t cover the worst case of this call.',
    'Raise the limit in the console, wait until the budget renews, or set a lower output limit.',
  ),
  balance_held: explain(
    'Calls in progress reserve what this call would need; the balance suffices once they have settled.',
    'Wait for `Retry-After`, run fewer calls at once, or set lower output limits: an unused reserve is released at the end of each call.',
  ),
  rate_limited: explain(
    'The key makes more calls per second or minute than it may.',
    'Wait for `Retry-After` and spread the calls.',
  ),
  too_many_concurrent_calls: explain(
    'The key or the account has too many calls open.',
    'Wait until some have finished.',
  ),
  refused_calls_slowed: explain(
    'The provider refused the last twenty calls of this key.',
    'Correct the request; the first call that succeeds ends the slowdown.',
  ),
  provider_share_exceeded: explain(
    'The account used its share of the rate that all accounts have together at this provider.',
    'Wait for `Retry-After`, or call another provider.',
  ),
  refusal_limit_exceeded: explain(
    'The provider refused too many of the account’s calls today. Refused calls cost nothing, so they are bounded.',
    'Correct the requests; calls are accepted again after midnight UTC.',
  ),
  gateway_busy: explain(
    'Too many large requests arrive at once.',
    'Try again after `Retry-After`.',
  ),
};

const SERVICE = {
  conflict: explain('Something went wrong on our side.', 'Try again. Nothing was charged.'),
  internal: explain(
    'Something went wrong on our side.',
    'Try again. If it lasts, write to support with the `request_id`.',
  ),
  ledger_unreachable: explain(
    'The account could not be reached, so the call was not sent.',
    'Try again in a moment. Nothing was charged.',
  ),
  upstream_overloaded: explain(
    'The provider has no capacity for this model now.',
    'Try again after `Retry-After`, or call another model. Nothing was charged.',
  ),
  upstream_rate_limited: explain(
    'The provider limits the rate of requests.',
    'Try again after `Retry-After`. Nothing was charged.',
  ),
  upstream_account_error: explain(
    'The provider rejected Farebox’s own account.',
    'Operators are alerted. Call another provider meanwhile. Nothing was charged.',
  ),
  upstream_unreachable: explain(
    'The provider could not be reached.',
    'Try again. Nothing was charged.',
  ),
  upstream_timeout: explain(
    'The provider sent nothing for too long.',
    'Try again, with a stream for long answers. The bill of the call says whether anything was charged.',
  ),
  upstream_disconnected: explain(
    'The provider closed the connection before its answer was complete.',
    'Try again. What had arrived by then is on the bill with its [reason](/billing).',
  ),
  upstream_error: explain(
    'The provider answered with an error of its own; the message is the provider’s.',
    'Follow the message.',
  ),
  upstream_refused: explain(
    'The provider rejected the request; the message is the provider’s own, and so is its code where it has one.',
    'Follow the message: compare the request with the provider’s documentation of the model. Nothing was charged.',
  ),
  upstream_invalid_response: explain(
    'The provider sent something that is no answer.',
    'Try again. Nothing was charged unless the bill says so.',
  ),
  call_stopped: explain(
    'The call was stopped while it ran: the key was revoked, or the account frozen or closed.',
    'What was generated by then is on the bill. See the key’s state in the console.',
  ),
};

/** By page; a test compares the pages with the codes of docs/openapi.json. */
export const ERROR_EXPLANATIONS_EN = { ...AUTHENTICATION, ...REQUEST, ...LIMITS, ...SERVICE };

/** The other languages fail to compile until they explain each code. */
export type ErrorExplanations = Readonly<
  Record<keyof typeof ERROR_EXPLANATIONS_EN, ErrorExplanation>
>;
