/** The end of a request to a provider whose client is gone before the response is under way. */
import type { Call } from './call.ts';

/**
 * Aborts the request to the provider when the client has been gone for the drain timeout: by then
 * the provider has either reported its usage, or the bill is an estimate. Returns a function that
 * ends the watch, for the time when the response is under way.
 */
export function abortAfterDisconnect(call: Pick<Call, 'ctx' | 'abort' | 'disconnect'>): () => void {
  const { deps, timer } = call.ctx;
  let stopTimer = () => {};
  const removeListener = call.disconnect.onDisconnect(() => {
    stopTimer = timer.start(deps.timeouts.drainMs, () => call.abort.abort());
  });
  return () => {
    removeListener();
    stopTimer();
  };
}
