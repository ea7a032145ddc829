/**
 * A run of the canary: one call per dialect through the public endpoint, with a marker that occurs
 * nowhere else, then a search for the marker in every table, and in what the API returns of the calls
 * and their account, which comes from the account object. The rest of its storage, logs and queues of
 * the deployment can't be read from outside; tests/no-content-stored.test.ts searches them.
 */
import { connect } from '@farebox/database';
import { findCallAccount, findTablesWithText } from '@farebox/database/privacy';
import { recordStatus } from '@farebox/database/status';
import { CANARY_COMPONENT } from '@farebox/database/status/components';
import { DIALECT_SPECS, DIALECTS, type Dialect } from '../packages/dialects/index.ts';

export type CanarySettings = Readonly<{
  apiUrl: string;
  apiKey: string;
  databaseUrl: string;
  /** How long the row of a call may take to arrive, in milliseconds. */
  arrivalMs: number;
}>;

export type CanaryResult = Readonly<{
  /** The dialects that answered, and those that no model is offered in or that failed. */
  answered: readonly Dialect[];
  unanswered: readonly Dialect[];
  /** The tables and the endpoints of the API that have the marker. */
  found: readonly string[];
}>;

type ListedModel = Readonly<{
  id: string;
  endpoints: readonly string[];
  prices_nano_usd_per_million: Readonly<{ output: string }>;
}>;

const MAX_OUTPUT = 64;

/** The body of a short request, where the URL does not name the model. */
const BODIES: Readonly<Record<Dialect, (model: string, text: string) => unknown>> = {
  chat: (model, text) => ({
    ...{ model, max_tokens: MAX_OUTPUT },
    messages: [{ role: 'user', content: text }],
  }),
  messages: (model, text) => ({
    ...{ model, max_tokens: MAX_OUTPUT },
    messages: [{ role: 'user', content: text }],
  }),
  responses: (model, text) => ({ model, max_output_tokens: MAX_OUTPUT, input: text }),
  gemini: (_, text) => ({
    contents: [{ role: 'user', parts: [{ text }] }],
    generationConfig: { maxOutputTokens: MAX_OUTPUT },
  }),
};

async function listModels({ apiUrl, apiKey }: CanarySettings): Promise<readonly ListedModel[]> {
  const headers = { authorization: `Bearer ${apiKey}` };
  const response = await fetch(`${apiUrl}/v1/models`, { headers });
  if (!response.ok) throw new Error(`GET /v1/models answered ${response.status}`);
  const { data }: Readonly<{ data: readonly ListedModel[] }> = await response.json();
  return data;
}

/** Returns the model of a dialect whose output is cheapest, but not free: a free one may be a trial. */
function findCheapest(models: readonly ListedModel[], dialect: Dialect): string | undefined {
  const price = (model: ListedModel) => BigInt(model.prices_nano_usd_per_million.output);
  const served = models.filter(
    (model) => model.endpoints.includes(DIALECT_SPECS[dialect].path) && price(model) > 0n,
  );
  return served.toSorted((one, other) => (price(one) < price(other) ? -1 : 1))[0]?.id;
}

/** Sends one call and returns its id; undefined if it failed. */
async function callOnce(
  { apiUrl, apiKey }: CanarySettings,
  dialect: Dialect,
  { model, marker }: Readonly<{ model: string; marker: string }>,
): Promise<string | undefined> {
  const path = DIALECT_SPECS[dialect].path.replace('{model}', encodeURIComponent(model));
  const response = await fetch(apiUrl + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(BODIES[dialect](model, `Repeat this word: ${marker}`)),
  });
  await response.arrayBuffer();
  return response.ok ? (response.headers.get('x-request-id') ?? undefined) : undefined;
}

type Database = ReturnType<typeof connect>;

/** Waits until the last call's row is in Postgres, and returns its account. */
async function waitForArrival(db: Database, call: string, arrivalMs: number): Promise<string> {
  const deadline = Date.now() + arrivalMs;
  for (;;) {
    const account = await findCallAccount(db, call);
    if (account !== null) return account;
    if (Date.now() > deadline) throw new Error(`the row of call ${call} did not arrive`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Endpoints whose answers come from the account object; a call's id replaces `{id}`. */
const RECORDS = ['/v1/generation/{id}', '/v1/key', '/v1/credits'];

/** Returns the endpoints whose answer has the marker. Throws if one can't be read. */
async function findEndpointsWithText(
  { apiUrl, apiKey }: CanarySettings,
  calls: Iterable<string>,
  marker: string,
): Promise<string[]> {
  const headers = { authorization: `Bearer ${apiKey}` };
  const found = new Set<string>();
  for (const id of calls) {
    for (const path of RECORDS) {
      const response = await fetch(apiUrl + path.replace('{id}', id), { headers });
      if (!response.ok) throw new Error(`GET ${path} answered ${response.status}`);
      const answer = JSON.stringify([...response.headers]) + (await response.text());
      if (answer.includes(marker)) found.add(`GET ${path}`);
    }
  }
  return [...found];
}

/**
 * Runs the canary and records the result as a check of the status page. Throws, and records nothing,
 * where no dialect answered or a row did not arrive: such a run says nothing.
 */
export async function runCanary(
  settings: CanarySettings,
  marker: string,
  now: () => number,
): Promise<CanaryResult> {
  const models = await listModels(settings);
  const calls = new Map<Dialect, string>();
  for (const dialect of DIALECTS) {
    const model = findCheapest(models, dialect);
    const id =
      model === undefined ? undefined : await callOnce(settings, dialect, { model, marker });
    if (id !== undefined) calls.set(dialect, id);
  }
  const db = connect(settings.databaseUrl);
  const accounts: string[] = [];
  for (const id of calls.values()) accounts.push(await waitForArrival(db, id, settings.arrivalMs));
  const [account] = accounts;
  if (account === undefined) throw new Error('no call was answered');
  const found = [
    ...(await findTablesWithText(db, marker, account)),
    ...(await findEndpointsWithText(settings, calls.values(), marker)),
  ];
  await recordStatus(db, [{ component: CANARY_COMPONENT, isUp: found.length === 0 }], now());
  const answered = [...calls.keys()];
  return { answered, unanswered: DIALECTS.filter((name) => !answered.includes(name)), found };
}
