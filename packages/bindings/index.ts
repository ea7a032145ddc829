/** Access to a Worker's bindings, and the test whether a host is the local machine. */
import { logEvent } from '@farebox/telemetry';

/** Carries the name of a binding and never its value; logs the name when it is created. */
export class MissingBindingError extends Error {
  constructor(name: string) {
    super(`The binding ${name} is missing or malformed; see docs/storage.md.`);
    this.name = 'MissingBindingError';
    logEvent({ event: 'binding_missing', name });
  }
}

/** Returns the value of a binding; throws MissingBindingError where it is absent or an empty string. */
export function requireBinding<T>(value: T | undefined | '', name: string): T {
  if (value === undefined || value === '') throw new MissingBindingError(name);
  return value;
}

const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Checks whether a host name (as `URL.hostname` gives it) belongs to the local machine. RFC 6761
 * section 6.3 reserves every name below `localhost` for loopback.
 */
export function isLoopback(hostname: string): boolean {
  return LOOPBACK_HOSTS.has(hostname) || hostname.endsWith('.localhost');
}
