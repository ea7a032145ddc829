/** Writes docs/dialects.md: what each dialect and provider offers, by the specs alone. */
import {
  DIALECT_SPECS,
  DIALECTS,
  type Dialect,
  ENDPOINT_SPECS,
  ENDPOINTS,
  type EndpointSpec,
  OPERATION_SPECS,
  OPERATIONS,
  parseRequest,
  type UpstreamEndpoint,
} from '@farebox/dialects';
import { PROVIDERS } from './list.ts';

const EFFECTS = ['priced', 'bounded', 'rejected'] as const;

type Row = readonly string[];

/** Writes a table of Markdown; `|` is the only character that ends a cell. */
function writeTable(header: Row, rows: readonly Row[]): string {
  const line = (cells: Row) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}

function codes(texts: Iterable<string>): string {
  const listed = [...texts].map(code);
  return listed.length === 0 ? 'none' : listed.join(', ');
}

function toMethod(endpoint: UpstreamEndpoint): string {
  const { path, kind } = ENDPOINT_SPECS[endpoint];
  return kind === 'socket' ? `${code(`GET ${path}`)} (WebSocket)` : code(`POST ${path}`);
}

function writeEndpoints(): string {
  const offered = PROVIDERS.map(({ id, endpoints }) => ({
    id,
    names: new Set(Object.keys(endpoints('https://base.example'))),
  }));
  const toRow = (title: string, name: string, elsewhere: string) => [
    title,
    ...offered.map(({ names }) => (names.has(name) ? 'native' : elsewhere)),
  ];
  const rows = [
    ...ENDPOINTS.map((name) =>
      toRow(toMethod(name), name, ENDPOINT_SPECS[name].kind === 'count' ? 'estimate' : '-'),
    ),
    ...OPERATIONS.map((name) => toRow(code(`POST ${OPERATION_SPECS[name].path}`), name, '-')),
  ];
  return writeTable(['endpoint', ...offered.map(({ id }) => id)], rows);
}

/** Each feature of a dialect, in words that its spec decides. */
const FEATURES: readonly (readonly [string, (dialect: Dialect) => string])[] = [
  [
    'model is named in',
    (dialect) => (getRequest(dialect).target === 'url' ? 'the URL' : 'the body'),
  ],
  ['prompt', (dialect) => codes(getRequest(dialect).promptFields.keys())],
  [
    'output limit',
    (dialect) => {
      const { parent, fields, required } = getRequest(dialect).outputLimit;
      const names = fields.map((field) => (parent === undefined ? field : `${parent}.${field}`));
      return `${codes(names)}, ${required ? 'required' : 'set by us if absent'}`;
    },
  ],
  [
    'answers per request',
    (dialect) => {
      const { rules, choices } = getRequest(dialect);
      const { parent, field, max } = choices;
      if (!Object.hasOwn(rules, parent ?? field)) return '1';
      return `${code(parent === null ? field : `${parent}.${field}`)}, up to ${max}`;
    },
  ],
  [
    'streams',
    (dialect) => {
      const isInUrl = getRequest(dialect).target === 'url';
      return isInUrl ? 'server-sent events (`alt=sse`), or one JSON array' : 'server-sent events';
    },
  ],
  [
    'usage in a stream',
    (dialect) =>
      getRequest(dialect).hasUsageOption ? 'shown if asked for, billed always' : 'always shown',
  ],
  [
    'headers that pass',
    (dialect) => codes(getRequest(dialect).forwardedHeaders.map(({ name }) => name)),
  ],
  [
    'shape of errors',
    (dialect) => {
      const json = DIALECT_SPECS[dialect].errors.rewriteToJson('not_found', '...', 'id');
      return code(json);
    },
  ],
  [
    'list of models',
    (dialect) => {
      const { page, native } = DIALECT_SPECS[dialect].modelList;
      const shape = native === null ? code('data') : code(native.listName);
      return page === null ? `${shape}, whole` : `${shape}, pages by ${code(page.limitParameter)}`;
    },
  ],
];

function getRequest(dialect: Dialect): EndpointSpec['request'] {
  return DIALECT_SPECS[dialect].request;
}

function writeFeatures(): string {
  const rows = FEATURES.map(([name, describe]) => [name, ...DIALECTS.map(describe)]);
  return writeTable(['feature', ...DIALECTS], rows);
}

function writeFields(): string {
  const rows = DIALECTS.map((dialect) => {
    const rules = Object.entries(getRequest(dialect).rules);
    return [
      dialect,
      ...EFFECTS.map((effect) =>
        codes(rules.filter(([, rule]) => rule.effect === effect).map(([name]) => name)),
      ),
    ];
  });
  return writeTable(['dialect', 'priced', 'bounded', 'refused, or some of its values'], rows);
}

/** Tools of the providers' own that are refused whatever the model, each as a request writes it. */
const REFUSED_TOOLS: readonly (readonly [Dialect, object])[] = [
  ['chat', { type: 'live_search' }],
  ['messages', { type: 'advisor_20260301', name: 'advisor' }],
  ['messages', { type: 'code_execution_20250825', name: 'code_execution' }],
  ['responses', { type: 'image_generation' }],
  ['responses', { type: 'web_search_preview' }],
  ['responses', { type: 'file_search', vector_store_ids: ['id'] }],
  ['responses', { type: 'code_interpreter', container: 'id' }],
  ['responses', { type: 'code_interpreter', container: { type: 'auto', file_ids: ['id'] } }],
  ['responses', { type: 'code_interpreter', container: { type: 'auto', memory_limit: '4g' } }],
  ['responses', { type: 'shell' }],
  ['responses', { type: 'programmatic_tool_calling' }],
  ['responses', { type: 'live_search' }],
  ['gemini', { fileSearch: {} }],
  ['gemini', { retrieval: {} }],
];

const PROMPTS: Readonly<Record<Dialect, object>> = {
  chat: { model: 'm', messages: [] },
  messages: { model: 'm', max_tokens: 1, messages: [] },
  responses: { model: 'm', input: 'x' },
  gemini: { contents: [] },
};

/** Returns the reason with which a request with this tool is refused. */
function explainRefusal(dialect: Dialect, tool: object): string {
  const target = { version: 'v1beta', model: 'm', method: 'generateContent', streamFormat: null };
  const body = new TextEncoder().encode(JSON.stringify({ ...PROMPTS[dialect], tools: [tool] }));
  const parsed = parseRequest(dialect, body, dialect === 'gemini' ? target : null);
  if (parsed.ok || parsed.reason !== 'unsupported_feature')
    throw new Error(`${dialect} does not refuse ${JSON.stringify(tool)}`);
  return parsed.explanation;
}

function writeRefusedTools(): string {
  const rows = REFUSED_TOOLS.map(([dialect, tool]) => [
    dialect,
    code(JSON.stringify(tool)),
    explainRefusal(dialect, tool),
  ]);
  return writeTable(['dialect', 'tool', 'reason'], rows);
}

export function writeDialectTable(): string {
  return `# Dialects

Written from the specs in \`packages/dialects\` and \`packages/providers\` by
\`npm test -- packages/providers/dialect-table -u\`; a test fails if it is not up to date.

## Endpoints

Native: the provider speaks the dialect, and bytes pass unchanged. Estimate: the provider has no
counter for the endpoint, so the count is ours and says so (\`estimated: true\`,
\`x-farebox-token-count: estimated\`). A model at \`-\` is answered with the endpoints that serve it.

${writeEndpoints()}

## Features

${writeFeatures()}

## Fields

What a field does to the price. A field that is in no table passes and is counted; one under
another spelling of a name here is refused.

${writeFields()}

## Tools that are refused

A tool that the provider runs is served where a dated public price of it is in the catalog, the most
that it can cost is bounded, and the answer says how often it ran.

${writeRefusedTools()}

Others are refused for the models without a price of them. \`code_interpreter\` at OpenAI is billed by
the session of a container, and no answer says how many sessions it opened. \`googleMaps\` is billed by
the query since Gemini 3, and no answer says how many ran; Gemini 2.5 has a price for each grounded
prompt.
`;
}
