/** How long a call took and how fast its answer was written. Pure. */
import { formatSeconds, formatTenth } from '@farebox/design';
import type { Generation } from '@farebox/ledger';

type Timed = Pick<Generation, 'firstTokenMs' | 'totalMs' | 'usage'>;

export function formatDuration(ms: number | null, language: string): string | null {
  return ms === null ? null : formatSeconds(ms, language);
}

/**
 * Tokens of output a second, from the first token on where the answer was streamed; null where the
 * call has no duration or no output. Most providers bill the tokens of reasoning and send none of
 * them, so with reasoning the time before the first token counts too.
 */
export function tokensPerSecond({ firstTokenMs, totalMs, usage }: Timed): number | null {
  if (totalMs === null || usage === null || usage.output === 0) return null;
  const ms = usage.output_reasoning > 0 ? totalMs : totalMs - (firstTokenMs ?? 0);
  return ms <= 0 ? null : (usage.output * 1_000) / ms;
}

export function formatSpeed(call: Timed, language: string): string | null {
  const speed = tokensPerSecond(call);
  return speed === null ? null : formatTenth(speed, language);
}
