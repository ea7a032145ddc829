/** The bench's command-line options. An unknown value is an error that lists the allowed ones. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SUBJECTS, type SubjectName } from './subject.ts';

/**
 * The groups of rows: the first three for each number of connections and of accounts; `bodies` are
 * large requests, `asked` streams from which nothing is cut out, `frames` times each event.
 */
export const ROW_GROUPS = ['unpaced', 'paced', 'json', 'bodies', 'asked', 'frames'] as const;
export type RowGroup = (typeof ROW_GROUPS)[number];

export type Options = Readonly<{
  task: 'compare' | 'soak' | 'profile' | 'ways' | 'console' | 'deposits' | 'catalog' | 'meter';
  groups: readonly RowGroup[];
  connections: readonly number[];
  /** The numbers of accounts the calls are spread over; one row each. */
  accounts: readonly number[];
  subjects: readonly SubjectName[];
  rounds: number;
  warmupMs: number;
  windowMs: number;
  bodyBytes: number;
  soakStreams: number;
  quick: boolean;
  /** The folder of another checkout, with its packages installed, to be compared with. */
  before: string | null;
  /**
   * Where the Durable Objects' SQLite files are. `memory` excludes the disk from the measurement.
   */
  storage: 'disk' | 'memory';
}>;

export const USAGE = `npm run bench -- [--quick] [--rows ${ROW_GROUPS.join(',')}] [--connections 1,16,64] [--accounts 1,50]
                 [--before FOLDER] [--subjects ${SUBJECTS.join(',')}] [--rounds N] [--window MS] [--body BYTES] [--storage disk,memory]
                 [--soak [--streams N]] [--profile] [--ways] [--console] [--deposits] [--catalog] [--meter]`;

export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      soak: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      ways: { type: 'boolean', default: false },
      console: { type: 'boolean', default: false },
      deposits: { type: 'boolean', default: false },
      catalog: { type: 'boolean', default: false },
      meter: { type: 'boolean', default: false },
      rows: { type: 'string', default: ROW_GROUPS.join(',') },
      connections: { type: 'string', default: '1,16,64' },
      accounts: { type: 'string', default: '1,50' },
      before: { type: 'string' },
      subjects: { type: 'string' },
      rounds: { type: 'string' },
      window: { type: 'string' },
      body: { type: 'string', default: '600' },
      storage: { type: 'string', default: 'disk' },
      streams: { type: 'string', default: '1000' },
    },
  });
  const task = toTask(values);
  const quick = values.quick;
  return {
    task,
    groups: parseList(values.rows, ROW_GROUPS),
    connections: parseIntegers(values.connections),
    accounts: parseIntegers(values.accounts),
    subjects: parseSubjects(values.subjects ?? defaultSubjects(task), values.before),
    rounds: parseInteger(values.rounds ?? (quick ? '1' : '3')),
    warmupMs: quick ? 200 : 400,
    windowMs: parseInteger(values.window ?? (quick ? '600' : '1500')),
    bodyBytes: parseInteger(values.body),
    soakStreams: parseInteger(values.streams),
    quick,
    before: values.before === undefined ? null : resolve(values.before),
    storage: parseChoice(values.storage, ['disk', 'memory']),
  };
}

type Tasks = Readonly<
  Record<'soak' | 'profile' | 'ways' | 'console' | 'deposits' | 'catalog' | 'meter', boolean>
>;

function toTask({
  soak,
  profile,
  ways,
  console,
  deposits,
  catalog,
  meter,
}: Tasks): Options['task'] {
  if (soak) return 'soak';
  if (profile) return 'profile';
  if (ways) return 'ways';
  if (deposits) return 'deposits';
  if (catalog) return 'catalog';
  if (meter) return 'meter';
  return console ? 'console' : 'compare';
}

function defaultSubjects(task: Options['task']): string {
  if (task === 'soak') return 'bare,farebox,portkey';
  if (task === 'profile') return 'farebox';
  return SUBJECTS.filter((name) => name !== 'before').join(',');
}

/** The subject "before" is measured where its checkout is named. */
function parseSubjects(list: string, before: string | undefined): SubjectName[] {
  const names = parseList(list, SUBJECTS);
  if (before === undefined && names.includes('before'))
    throw new Error('the subject before needs --before FOLDER');
  return before === undefined || names.includes('before') ? names : [...names, 'before'];
}

function parseList<T extends string>(list: string, allowed: readonly T[]): T[] {
  return list.split(',').map((text) => parseChoice(text, allowed));
}

function parseChoice<T extends string>(text: string, allowed: readonly T[]): T {
  const match = allowed.find((name) => name === text);
  if (match === undefined) throw new Error(`${text} must be one of ${allowed.join(', ')}`);
  return match;
}

function parseIntegers(list: string): number[] {
  return list.split(',').map(parseInteger);
}

function parseInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error(`${text} is not a positive number`);
  return value;
}
