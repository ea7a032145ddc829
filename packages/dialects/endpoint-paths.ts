/** The endpoints that a body may be meant for, as error messages and routes name them. */
export const CHAT_PATH = '/v1/chat/completions';
export const MESSAGES_PATH = '/v1/messages';
export const RESPONSES_PATH = '/v1/responses';
export const GEMINI_PATH = '/v1beta/models/{model}:generateContent';
