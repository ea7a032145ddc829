/** What the command line may ask of the bench. An unknown word is refused with the list of those there are. */
import { parseArgs } from 'node:util';
import { SUBJECTS, type SubjectName } from './subjects.ts';

export const ROW_PACES = ['unpaced', 'paced', 'json'] as const;
export type RowPace = (typeof ROW_PACES)[number];

export type Options = Readonly<{
  task: 'compare' | 'soak' | 'profile' | 'console' | 'deposits';
  paces: readonly RowPace[];
  connections: readonly number[];
  /** How many accounts the calls are spread over, per row. */
  accounts: readonly number[];
  subjects: readonly SubjectName[];
  rounds: number;
  warmMs: number;
  windowMs: number;
  bodyBytes: number;
  soakStreams: number;
  quick: boolean;
  /** Where the objects' SQLite files lie: `memory` takes the machine's disk and its neighbours out. */
  storage: 'disk' | 'memory';
}>;

export const USAGE = `npm run bench -- [--quick] [--rows ${ROW_PACES.join(',')}] [--connections 1,16,64] [--accounts 1,50]
                 [--subjects ${SUBJECTS.join(',')}] [--rounds N] [--window MS] [--body BYTES] [--storage disk,memory]
                 [--soak [--streams N]] [--profile] [--console] [--deposits]`;

export function readOptions(words: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...words],
    options: {
      quick: { type: 'boolean', default: false },
      soak: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      console: { type: 'boolean', default: false },
      deposits: { type: 'boolean', default: false },
      rows: { type: 'string', default: ROW_PACES.join(',') },
      connections: { type: 'string', default: '1,16,64' },
      accounts: { type: 'string', default: '1,50' },
      subjects: { type: 'string' },
      rounds: { type: 'string' },
      window: { type: 'string' },
      body: { type: 'string', default: '600' },
      storage: { type: 'string', default: 'disk' },
      streams: { type: 'string', default: '1000' },
    },
  });
  const task = taskOf(values);
  const quick = values.quick;
  return {
    task,
    paces: pick(values.rows, ROW_PACES),
    connections: numbers(values.connections),
    accounts: numbers(values.accounts),
    subjects: pick(values.subjects ?? defaultSubjects(task), SUBJECTS),
    rounds: number(values.rounds ?? (quick ? '1' : '3')),
    warmMs: quick ? 200 : 400,
    windowMs: number(values.window ?? (quick ? '600' : '1500')),
    bodyBytes: number(values.body),
    soakStreams: number(values.streams),
    quick,
    storage: pickOne(values.storage, ['disk', 'memory']),
  };
}

type Tasks = Readonly<Record<'soak' | 'profile' | 'console' | 'deposits', boolean>>;

function taskOf({ soak, profile, console, deposits }: Tasks): Options['task'] {
  if (soak) return 'soak';
  if (profile) return 'profile';
  if (deposits) return 'deposits';
  return console ? 'console' : 'compare';
}

function defaultSubjects(task: Options['task']): string {
  if (task === 'soak') return 'bare,farebox,portkey';
  return task === 'profile' ? 'farebox' : 'direct,bare,floor,farebox,portkey';
}

function pick<T extends string>(list: string, known: readonly T[]): T[] {
  return list.split(',').map((word) => pickOne(word, known));
}

function pickOne<T extends string>(word: string, known: readonly T[]): T {
  const found = known.find((name) => name === word);
  if (found === undefined) throw new Error(`${word} is none of ${known.join(', ')}`);
  return found;
}

function numbers(list: string): number[] {
  return list.split(',').map(number);
}

function number(word: string): number {
  const value = Number(word);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error(`${word} is not a positive number`);
  return value;
}
