/**
 * `npm run catalog -- <command>`: reads and changes the catalog in the database of DATABASE_URL, or
 * of the running local stack. A change is shown price by price, validated and limited as on the
 * operators' screens; one that moves a price too far waits there for a second operator.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { findModelById, type PriceList, RELEASED } from '@farebox/catalog';
import { connect } from '@farebox/database';
import { appendOperatorAction } from '@farebox/database/operators';
import { formatMoves } from './format-moves.ts';
import {
  buildNameChange,
  buildPriceChange,
  type ChangeDeps,
  type NamedModel,
  type PreparedChange,
  parseMoment,
  prepareChange,
  readListInEffect,
  submitChange,
} from './index.ts';

const USAGE = `catalog list [TEXT]                     models in effect whose name has the text
catalog show PROVIDER/MODEL             a model's definition, as JSON for "add"
catalog add FILE                        a model, or {"models": [...], "margins": [...]}
catalog price PROVIDER/MODEL RULE KEY USD   one price in USD per million
catalog name PROVIDER/MODEL NAME        one more name of a model
catalog withdraw PROVIDER/MODEL         no call may use it any more
catalog restore PROVIDER/MODEL          the price list of the release holds again
catalog margin SCOPE BASIS_POINTS       SCOPE: top_ups, all, a provider, PROVIDER/MODEL

Changes need --as EMAIL and --reason TEXT; --from 2026-12-01T00:00Z dates them, --dry-run only shows
them. DATABASE_URL names the database; without it, the local stack's is used.
`;

/** The database that \`npm start\` serves (docs/development.md). */
const LOCAL_PORT = process.env.FAREBOX_DATABASE_PORT || '8789';
const LOCAL_DATABASE = `postgresql://farebox:farebox@127.0.0.1:${LOCAL_PORT}/postgres`;

/** The command can't run as it was typed. The message is shown to the user. */
class UsageError extends Error {}

const OPTIONS = {
  as: { type: 'string' },
  reason: { type: 'string' },
  from: { type: 'string' },
  'dry-run': { type: 'boolean' },
} as const;

type Options = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function parseModelName(text: string | undefined): NamedModel {
  const slash = text?.indexOf('/') ?? -1;
  if (text === undefined || slash < 1) throw new UsageError('Name the model as PROVIDER/MODEL.');
  return { provider: text.slice(0, slash), id: text.slice(slash + 1) };
}

function readChangeFile(path: string | undefined): unknown {
  if (path === undefined) throw new UsageError('Name the file of the change.');
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    throw new UsageError(`${path} can’t be read as JSON.`);
  }
  const isModel = typeof value === 'object' && value !== null && 'provider' in value;
  return isModel ? { models: [value] } : value;
}

function requireChange(change: unknown): unknown {
  if (change !== undefined) return change;
  throw new UsageError('There is no such model, rule or price, or the value is not one.');
}

/** The change of each command that makes one. */
const CHANGES: Readonly<
  Record<string, (list: PriceList, args: readonly (string | undefined)[]) => unknown>
> = {
  add: (_, [path]) => readChangeFile(path),
  price: (list, [name, rule = '', key = '', usd = '']) =>
    requireChange(buildPriceChange(list, parseModelName(name), { rule, key, usd })),
  name: (list, [name, added = '']) =>
    requireChange(buildNameChange(list, parseModelName(name), added)),
  withdraw: (_, [name]) => ({ models: [{ ...parseModelName(name), status: 'withdrawn' }] }),
  restore: (_, [name]) => ({ models: [{ ...parseModelName(name), status: 'released' }] }),
  margin: (_, [scope, basisPoints]) => ({
    margins: [{ scope, basis_points: Number(basisPoints) }],
  }),
};

function parseFrom(text: string | undefined): number | null {
  if (text === undefined) return null;
  const at = parseMoment(text);
  if (at === undefined) throw new UsageError('--from is a UTC moment such as 2026-12-01T00:00Z.');
  return at;
}

function requireAuthor(options: Options): Readonly<{ author: string; reason: string }> {
  const { as: author = '', reason = '' } = options;
  if (!/^[^\s@]+@[^\s@]+$/.test(author)) throw new UsageError('--as is your email address.');
  if (reason.length < 10 || reason.length > 255) {
    throw new UsageError('--reason has 10 to 255 characters. It is kept permanently.');
  }
  return { author, reason };
}

function listModels(list: PriceList, text = ''): void {
  print(`price list ${list.version}`);
  for (const { id: provider, models } of list.providers) {
    for (const { id, names } of models) {
      const isFound = [id, ...names].some((name) => `${provider}/${name}`.includes(text));
      if (isFound) print(`${provider}/${id}`);
    }
  }
}

function showModel(list: PriceList, text: string | undefined): void {
  const named = parseModelName(text);
  const definition = findModelById(list, named);
  if (definition === undefined) throw new UsageError(`There is no model ${text}.`);
  print(JSON.stringify({ provider: named.provider, definition }, null, 2));
}

function printPrepared(prepared: PreparedChange): void {
  print(formatMoves(prepared.moves));
  for (const { version, effectiveAt, name } of prepared.replacedBy) {
    print(`Version ${version} replaces ${name} on ${new Date(effectiveAt).toISOString()}.`);
  }
  if (prepared.needsApproval) print('A second operator has to approve this change.');
}

function explainFailure(
  failure: Readonly<{
    reason: string;
    problems?: readonly Readonly<{ path: string; message: string }>[];
  }>,
): number {
  process.stderr.write(`Nothing was changed: ${failure.reason}.\n`);
  for (const { path, message } of failure.problems ?? []) {
    process.stderr.write(`  ${path}: ${message}\n`);
  }
  return 1;
}

/** Shows a change and, unless it is a dry run, submits it with its entries in the audit log. */
async function runChange(deps: ChangeDeps, change: unknown, options: Options): Promise<number> {
  const effectiveAt = parseFrom(options.from);
  const now = Date.now();
  const prepared = await prepareChange(deps, { change, effectiveAt, now });
  if (!prepared.ok) return explainFailure(prepared);
  printPrepared(prepared.prepared);
  if (options['dry-run'] === true) return 0;
  const { author, reason } = requireAuthor(options);
  const id = randomBytes(16).toString('hex');
  const audit = (outcome: string) =>
    appendOperatorAction(deps.db, {
      at: Date.now(),
      operator: author,
      action: 'change_catalog_by_command',
      subject: null,
      reason,
      outcome,
    });
  await audit('requested');
  const result = await submitChange(deps, { id, author, reason, change, effectiveAt, now });
  await audit(result.ok ? `catalog_${result.state}` : `rejected_${result.reason}`);
  if (!result.ok) return explainFailure(result);
  print(
    result.state === 'accepted' ? `Version ${result.version} is accepted.` : `Change ${id} waits.`,
  );
  return 0;
}

async function run([command = '', ...args]: readonly string[], options: Options): Promise<number> {
  const sharePercent = Number(process.env.CATALOG_CHANGE_PERCENT || '20');
  const db = connect(process.env.DATABASE_URL || LOCAL_DATABASE);
  const deps = { db, released: RELEASED, limit: { sharePercent } };
  const list = await readListInEffect(deps, Date.now());
  if (command === 'list') listModels(list, args[0]);
  else if (command === 'show') showModel(list, args[0]);
  else {
    const build = Object.hasOwn(CHANGES, command) ? CHANGES[command] : undefined;
    if (build === undefined) throw new UsageError(USAGE);
    return runChange(deps, build(list, args), options);
  }
  return 0;
}

async function main(): Promise<number> {
  try {
    const { positionals, values } = parseArgs({ options: OPTIONS, allowPositionals: true });
    return await run(positionals, values);
  } catch (error) {
    const isTyping = error instanceof UsageError || error instanceof TypeError;
    process.stderr.write(
      `${error instanceof Error && isTyping ? error.message : 'The database can’t be read. Is DATABASE_URL right, or the local stack running?'}\n`,
    );
    return 2;
  }
}

process.exitCode = await main();
