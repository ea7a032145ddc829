/** The request of the playground as code. JSON without true, false and null is Python too. */
export const CODE_SAMPLES_SCRIPT = `
const OPENAI_SDK = {
  javascript: (create, text) => ({ api, key, json }) => [
    "import OpenAI from 'openai';",
    '',
    "const client = new OpenAI({ baseURL: '" + api + "/v1', apiKey: '" + key + "' });",
    'const answer = await client.' + create + '(' + json + ');',
    'process.stdout.write(answer.' + text.javascript + ');',
  ],
  python: (create, text) => ({ api, key, json }) => [
    'from openai import OpenAI',
    '',
    'client = OpenAI(base_url="' + api + '/v1", api_key="' + key + '")',
    'answer = client.' + create + '(**' + json + ')',
    'print(answer.' + text.python + ')',
  ],
};
const inOpenAi = (create, text) => ({
  javascript: OPENAI_SDK.javascript(create, text),
  python: OPENAI_SDK.python(create, text),
});
const CODE_SAMPLES = {
  '/v1/chat/completions': inOpenAi('chat.completions.create', {
    javascript: 'choices[0].message.content',
    python: 'choices[0].message.content',
  }),
  '/v1/responses': inOpenAi('responses.create', { javascript: 'output_text', python: 'output_text' }),
  '/v1/messages': {
    javascript: ({ api, key, json }) => [
      "import Anthropic from '@anthropic-ai/sdk';",
      '',
      "const client = new Anthropic({ baseURL: '" + api + "', apiKey: '" + key + "' });",
      'const answer = await client.messages.create(' + json + ');',
      'process.stdout.write(JSON.stringify(answer.content));',
    ],
    python: ({ api, key, json }) => [
      'from anthropic import Anthropic',
      '',
      'client = Anthropic(base_url="' + api + '", api_key="' + key + '")',
      'answer = client.messages.create(**' + json + ')',
      'print(answer.content)',
    ],
  },
  '/v1beta/models/{model}:generateContent': {
    javascript: ({ api, key, json }) => [
      "import { GoogleGenAI } from '@google/genai';",
      '',
      "const client = new GoogleGenAI({ apiKey: '" + key + "', httpOptions: { baseUrl: '" + api + "' } });",
      'const answer = await client.models.generateContent(' + json + ');',
      'process.stdout.write(answer.text);',
    ],
    python: ({ api, key, json }) => [
      'from google import genai',
      '',
      'client = genai.Client(api_key="' + key + '", http_options={"base_url": "' + api + '"})',
      'answer = client.models.generate_content(**' + json + ')',
      'print(answer.text)',
    ],
  },
};

/** Google's SDKs take the model beside the contents, and everything else as config. */
function toSdkArguments(path, model, body) {
  const { contents, systemInstruction, generationConfig } = body;
  if (contents === undefined) return body;
  return { model, contents, config: { systemInstruction, ...generationConfig } };
}

function writeCurl({ api, key, path, model, body }) {
  const json = JSON.stringify(body, null, 2).replaceAll("'", "'\\\\''");
  return [
    'curl ' + api + DIALECTS[path].path(model, false) + ' \\\\',
    "  -H 'Authorization: Bearer " + key + "' \\\\",
    "  -H 'Content-Type: application/json' \\\\",
    "  -d '" + json + "'",
  ].join('\\n');
}

function writeCode(language, { api, key, path, model, body }) {
  if (language === 'curl') return writeCurl({ api, key, path, model, body });
  const json = JSON.stringify(toSdkArguments(path, model, body), null, 2);
  return CODE_SAMPLES[path][language]({ api, key, json }).join('\\n');
}
`;
