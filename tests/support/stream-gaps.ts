/** Streams that are read beside a load, and how long each went without a byte. */

export type StreamOptions = Readonly<{ url: string; apiKey: string; count: number }>;

/**
 * Starts streams of a chat model; `stop` ends them and returns the longest gap of each, in ms, up to
 * the end of the measurement. It rejects if a stream was refused, broke or ended by itself.
 */
export function startStreams(options: StreamOptions): { stop: () => Promise<readonly number[]> } {
  const abort = new AbortController();
  const streams = Array.from({ length: options.count }, () => readStream(options, abort.signal));
  const gaps = Promise.all(streams);
  gaps.catch(() => {});
  return {
    stop: () => {
      abort.abort();
      return gaps;
    },
  };
}

async function readStream({ url, apiKey }: StreamOptions, signal: AbortSignal): Promise<number> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'gpt-5.4',
      stream: true,
      messages: [{ role: 'user', content: 'hi' }],
    }),
    signal,
  });
  if (!response.ok) throw new Error(`a stream got ${response.status}`);
  let longest = 0;
  let last = Date.now();
  try {
    for await (const _ of response.body ?? []) {
      longest = Math.max(longest, Date.now() - last);
      last = Date.now();
    }
  } catch (error) {
    // Aborted at the end of the measurement.
    if (!signal.aborted) throw error;
  }
  if (!signal.aborted) throw new Error('a stream ended by itself');
  // A stream that stalls has no further byte that would end its gap.
  return Math.max(longest, Date.now() - last);
}
