/** Stops the local stack on any exit, so that no process is left behind. */

/** The stop isn't awaited longer: workerd is killed by then, and no other part holds state. */
const STOP_TIMEOUT_MS = 8_000;

export type ShutdownHandle = Readonly<{ exit(code: number): void; installSignalHandlers(): void }>;

/** Runs `stop` once: on a signal, when the parent process exits, or on `exit`. */
export function createShutdown(stop: () => Promise<void>): ShutdownHandle {
  let stopping = false;
  const exit = (code: number) => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(code), STOP_TIMEOUT_MS).unref();
    stop()
      .catch(() => {})
      .finally(() => process.exit(code));
  };
  // scripts/run.mjs may be killed without forwarding a signal. Then only the parent's id changes.
  if (process.env.FAREBOX_STARTED_BY === `${process.ppid}`) {
    const parent = process.ppid;
    setInterval(() => {
      if (process.ppid !== parent) exit(0);
    }, 500).unref();
  }
  const installSignalHandlers = () => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      // Miniflare's listener would exit before the database is closed.
      process.removeAllListeners(name);
      process.on(name, () => exit(0));
    }
  };
  installSignalHandlers();
  return { exit, installSignalHandlers };
}
