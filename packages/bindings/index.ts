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

/**
 * Returns the value of a binding; throws MissingBindingError where it is absent or an empty string.
 */
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

/** Returns a binding's text. Throws MissingBindingError unless the whole text matches `pattern`. */
export function requireMatch(text: string | undefined, pattern: RegExp, name: string): string {
  const checked = requireBinding(text, name);
  if (!pattern.test(checked)) throw new MissingBindingError(name);
  return checked;
}

/** Returns a binding's text as a URL. Throws MissingBindingError where it is none. */
export function requireUrl(text: string | undefined, name: string): URL {
  const checked = requireBinding(text, name);
  if (!URL.canParse(checked)) throw new MissingBindingError(name);
  return new URL(checked);
}

/**
 * The override of an external URL in local development; undefined where none is set. Throws
 * MissingBindingError unless both the override and `host`, the host of the routes that use it, are
 * loopback: a deployed Worker can't be pointed at another source of keys.
 */
export function localUrl(text: string | undefined, name: string, host: string): string | undefined {
  if (text === undefined || text === '') return undefined;
  const url = requireUrl(text, name);
  if (!isLoopback(url.hostname) || !isLoopback(host)) throw new MissingBindingError(name);
  return url.href;
}

/** Calls `create` once per Env object, which lives as long as the isolate. */
export function cachePerEnv<Env extends object, T>(create: (env: Env) => T): (env: Env) => T {
  const created = new WeakMap<Env, { value: T }>();
  return (env) => {
    const cached = created.get(env);
    if (cached !== undefined) return cached.value;
    const value = create(env);
    created.set(env, { value });
    return value;
  };
}
