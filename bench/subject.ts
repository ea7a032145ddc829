/**
 * The compared subjects. Each runs in its own process, so that its CPU time and memory can be
 * measured. All get the same requests and use the same upstream.
 */
import type { BenchDialect } from './payloads.ts';
import type { Process, ProcessGroup } from './processes.ts';

export const SUBJECTS = [
  'direct',
  'bare',
  'floor',
  'reader',
  'farebox',
  'distant',
  'distant-floor',
  'before',
  'portkey',
  'llms',
] as const;
export type SubjectName = (typeof SUBJECTS)[number];

/** The gateways of others that Farebox is compared with. */
export const PEERS = ['portkey', 'llms'] as const satisfies readonly SubjectName[];

type HeaderFields = Readonly<Record<string, string>>;

export type Subject = Readonly<{
  name: SubjectName;
  port: number;
  process: Process;
  /** The header fields of each account's calls. One entry for subjects without accounts. */
  accounts: readonly HeaderFields[];
  /** What a dialect's calls have beside or in place of `accounts`. */
  dialectFields?: Readonly<Partial<Record<BenchDialect, HeaderFields>>>;
  /** The dialects that it speaks, if not all. */
  dialects?: readonly BenchDialect[];
  /** The names of the models, where they are not the provider's own. */
  models?: Readonly<Partial<Record<BenchDialect, string>>>;
  inspectorPort: number | null;
  /** How long after its last response it may start work that belongs to its calls. */
  tailMs: number;
}>;

/** What a subject needs to start. */
export type BenchContext = Readonly<{
  processes: ProcessGroup;
  upstream: Process;
  upstreamPort: number;
  /** The run's temporary folder, and the cache that is kept between runs. */
  folder: string;
  cache: string;
  accounts: number;
  inspector: boolean;
  /** The checkout whose Farebox is the subject "before". */
  before: string | null;
  log: (line: string) => void;
}>;
