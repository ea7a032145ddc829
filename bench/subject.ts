/**
 * The compared subjects. Each runs in its own process, so that its CPU time and memory can be
 * measured. All get the same requests and use the same upstream.
 */
import type { Process, ProcessGroup } from './processes.ts';

export const SUBJECTS = ['direct', 'bare', 'floor', 'reader', 'farebox', 'portkey'] as const;
export type SubjectName = (typeof SUBJECTS)[number];

export type Subject = Readonly<{
  name: SubjectName;
  port: number;
  process: Process;
  /** The header fields of each account's calls. One entry for subjects without accounts. */
  accounts: readonly Readonly<Record<string, string>>[];
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
  log: (line: string) => void;
}>;
