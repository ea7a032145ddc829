/** The endpoints that a body may be meant for, as error messages and routes name them. */
export const CHAT_PATH = '/v1/chat/completions';
export const MESSAGES_PATH = '/v1/messages';
export const COUNT_TOKENS_PATH = '/v1/messages/count_tokens';
export const RESPONSES_PATH = '/v1/responses';
export const RESPONSES_COMPACT_PATH = '/v1/responses/compact';
export const RESPONSES_INPUT_TOKENS_PATH = '/v1/responses/input_tokens';
export const GEMINI_PATH = '/v1beta/models/{model}:generateContent';
export const GEMINI_EMBED_PATH = '/v1beta/models/{model}:embedContent';
export const GEMINI_COUNT_TOKENS_PATH = '/v1beta/models/{model}:countTokens';
