/**
 * The first call as code, for each client: what to set, and a request that costs
 * little. The environment variables are those of the clients' own documentation.
 */
import type { CodeTab } from '@farebox/design';

export const SNIPPET_MODEL = 'openai/gpt-6-luna';
export const ANTHROPIC_MODEL = 'anthropic/claude-haiku-5-5';
/** Stands for the key where it is not shown; shells and SDKs read it from the environment. */
const KEY_PLACEHOLDER = 'fbx_...';

type ChatOptions = Readonly<{ model: string; max_completion_tokens?: number }>;

function curl(origin: string, apiKey: string, options: ChatOptions): string {
  const { model, ...limits } = options;
  const body = { model, ...limits, messages: [{ role: 'user', content: 'Hello' }] };
  return [
    `export FAREBOX_KEY=${apiKey}`,
    `curl ${origin}/v1/chat/completions \\`,
    '  -H "Authorization: Bearer $FAREBOX_KEY" \\',
    '  -H "Content-Type: application/json" \\',
    `  -d '${JSON.stringify(body)}'`,
  ].join('\n');
}

function openaiSdk(origin: string, apiKey: string): string {
  return [
    'from openai import OpenAI',
    '',
    `client = OpenAI(base_url="${origin}/v1", api_key="${apiKey}")`,
    'answer = client.chat.completions.create(',
    `    model="${SNIPPET_MODEL}",`,
    '    messages=[{"role": "user", "content": "Hello"}],',
    ')',
    'print(answer.choices[0].message.content)',
  ].join('\n');
}

function anthropicSdk(origin: string, apiKey: string): string {
  return [
    'from anthropic import Anthropic',
    '',
    `client = Anthropic(base_url="${origin}", api_key="${apiKey}")`,
    'answer = client.messages.create(',
    `    model="${ANTHROPIC_MODEL}",`,
    '    max_tokens=256,',
    '    messages=[{"role": "user", "content": "Hello"}],',
    ')',
    'print(answer.content[0].text)',
  ].join('\n');
}

/** https://code.claude.com/docs/en/llm-gateway */
function claudeCode(origin: string, apiKey: string): string {
  return [
    `export ANTHROPIC_BASE_URL=${origin}`,
    `export ANTHROPIC_AUTH_TOKEN=${apiKey}`,
    'claude',
  ].join('\n');
}

/** https://developers.openai.com/codex/config-advanced, custom model providers */
function codex(origin: string, apiKey: string): string {
  return [
    '# ~/.codex/config.toml',
    `model = "${SNIPPET_MODEL}"`,
    'model_provider = "farebox"',
    '',
    '[model_providers.farebox]',
    'name = "Farebox"',
    `base_url = "${origin}/v1"`,
    'env_key = "FAREBOX_KEY"',
    'wire_api = "responses"',
    '',
    '# in the shell',
    `export FAREBOX_KEY=${apiKey}`,
    'codex',
  ].join('\n');
}

/** A call with these options for a shell. */
export function callByCurl(apiUrl: URL, options: ChatOptions): string {
  return curl(apiUrl.origin, KEY_PLACEHOLDER, options);
}

/** One tab per client, for the API at `apiUrl`; without `apiKey` a placeholder stands in its place. */
export function listSnippets(apiUrl: URL, apiKey: string = KEY_PLACEHOLDER): readonly CodeTab[] {
  const { origin } = apiUrl;
  return [
    { label: 'curl', code: curl(origin, apiKey, { model: SNIPPET_MODEL }) },
    { label: 'OpenAI SDK', code: openaiSdk(origin, apiKey) },
    { label: 'Anthropic SDK', code: anthropicSdk(origin, apiKey) },
    { label: 'Claude Code', code: claudeCode(origin, apiKey) },
    { label: 'Codex', code: codex(origin, apiKey) },
  ];
}
