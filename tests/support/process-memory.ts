/** How far a process grows while something runs. */
import { readFileSync } from 'node:fs';

const MB = 1024 * 1024;
const SAMPLE_MS = 10;

/** Resident memory of a process, in bytes (proc(5), VmRSS). */
function readResidentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return 1024 * Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
}

/** Runs `work`; `grownMb` is the highest resident memory meanwhile, above that before. */
export async function measureGrowth<T>(
  pid: number | null,
  work: () => Promise<T>,
): Promise<{ grownMb: number; results: T }> {
  if (pid === null) throw new Error('the process is not running');
  const idle = readResidentBytes(pid);
  let peak = idle;
  const sampler = setInterval(() => {
    peak = Math.max(peak, readResidentBytes(pid));
  }, SAMPLE_MS);
  try {
    const results = await work();
    return { grownMb: (peak - idle) / MB, results };
  } finally {
    clearInterval(sampler);
  }
}
