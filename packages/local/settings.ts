/**
 * Settings of the local stack: provider addresses and keys, gateway bindings and ports, from a
 * test's options or from the environment and `.dev.vars`. The mock serves a provider that has
 * neither a key nor an address. Pure.
 */
import { PROVIDERS } from '@farebox/providers/list';
import { DEFAULT_PORTS, type PortName, type Ports } from './ports.ts';

export type ProviderAddress = Readonly<{ baseUrl?: string; apiKey?: string }>;
/** An item of the binding EXTRA_PROVIDERS. */
export type ExtraProvider = Readonly<{
  id: string;
  base_url: string;
  api_key: string;
  dialects?: readonly string[];
  endpoints?: Readonly<Record<string, string>>;
}>;
export type ProviderChoices = Readonly<Record<string, ProviderAddress>>;

/** The key sent to providers without one. It must not look like a real key. */
const NO_KEY = 'farebox-local-no-key';

type EnvVars = Readonly<Record<string, string | undefined>>;

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text.trim();
}

/** Rankings have no native provider: without one of the configuration the mock stands in for Cohere. */
function mockedRanker(mockUrl: string): ExtraProvider {
  return {
    id: 'cohere',
    base_url: `${mockUrl}/v1`,
    api_key: NO_KEY,
    endpoints: { rerank: `${mockUrl}/v2/rerank` },
  };
}

/**
 * The gateway's bindings for the providers. The mock at `mockUrl` serves those that aren't
 * configured.
 */
export function providerBindings(
  providers: ProviderChoices,
  extra: readonly ExtraProvider[],
  mockUrl: string,
): Record<string, string> {
  const bindings: Record<string, string> = {};
  for (const { id, envPrefix, mockPath } of PROVIDERS) {
    const { baseUrl, apiKey } = providers[id] ?? {};
    const mocked = baseUrl === undefined && apiKey === undefined;
    const address = mocked ? mockUrl + mockPath : baseUrl;
    bindings[`${envPrefix}_API_KEY`] = apiKey ?? NO_KEY;
    if (address !== undefined) bindings[`${envPrefix}_BASE_URL`] = address;
  }
  const configured = extra.length > 0 ? extra : [mockedRanker(mockUrl)];
  bindings.EXTRA_PROVIDERS = JSON.stringify(configured);
  return bindings;
}

/** `.dev.vars`: NAME=value lines, optionally quoted, with # comments. */
export function parseDevVars(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/.exec(line);
    if (match === null) continue;
    const value = match[2] ?? '';
    const quoted = /^(['"])(.*)\1$/.exec(value);
    found[match[1] ?? ''] = quoted === null ? value.replace(/\s+#.*$/, '') : (quoted[2] ?? '');
  }
  return found;
}

export function parseProviders(env: EnvVars): ProviderChoices {
  const choices: Record<string, ProviderAddress> = {};
  for (const { id, envPrefix } of PROVIDERS) {
    const apiKey = nonEmpty(env[`${envPrefix}_API_KEY`]);
    const baseUrl = nonEmpty(env[`${envPrefix}_BASE_URL`]);
    choices[id] = {
      ...(apiKey === undefined ? {} : { apiKey }),
      ...(baseUrl === undefined ? {} : { baseUrl }),
    };
  }
  return choices;
}

/** Ids of the providers that the mock serves. */
export function mockedProviders(choices: ProviderChoices): string[] {
  return PROVIDERS.filter(({ id }) => Object.keys(choices[id] ?? {}).length === 0).map(
    ({ id }) => id,
  );
}

const PASSED_THROUGH = [
  'EXTRA_PROVIDERS',
  'DEFAULT_MAX_OUTPUT',
  'KEY_CALLS_PER_SECOND',
  'FIRST_BYTE_TIMEOUT_SECONDS',
  'IDLE_TIMEOUT_SECONDS',
  'KEEPALIVE_SECONDS',
  'CHECKPOINT_SECONDS',
  'DRAIN_SECONDS',
  'HOLD_GRACE_SECONDS',
  // The former names of four of them, for one release.
  'FIRST_BYTE_SECONDS',
  'SILENCE_SECONDS',
  'PING_SECONDS',
  'GRACE_SECONDS',
];

/** The gateway's bindings that are passed on unchanged. */
export function parseGatewayBindings(env: EnvVars): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of PASSED_THROUGH) {
    const text = nonEmpty(env[name]);
    if (text !== undefined) found[name] = text;
  }
  return found;
}

/** Ports from `FAREBOX_<NAME>_PORT`. Throws an error that names the variable if one is invalid. */
export function parsePorts(env: EnvVars): Ports {
  const port = (name: PortName): number => {
    const variable = `FAREBOX_${name.toUpperCase()}_PORT`;
    const text = nonEmpty(env[variable]);
    if (text === undefined) return DEFAULT_PORTS[name];
    const number = Number(text);
    if (!Number.isInteger(number) || number < 0 || number > 65_535) {
      throw new Error(`${variable} isn’t a port number.`);
    }
    return number;
  };
  return {
    gateway: port('gateway'),
    console: port('console'),
    operators: port('operators'),
    site: port('site'),
    database: port('database'),
    mock: port('mock'),
    mailbox: port('mailbox'),
  };
}

const SITE_VARIABLES = ['METRIKA_COUNTER', 'OPERATOR_NAME', 'CONTACT_EMAIL'];

/** The environment in which the public site is built: the addresses of this stack, and what is set. */
export function parseSiteEnvironment(env: EnvVars, ports: Ports): Record<string, string> {
  const found: Record<string, string> = {
    SITE_URL: `http://127.0.0.1:${ports.site}`,
    API_URL: `http://127.0.0.1:${ports.gateway}`,
    // Passkeys need a domain, which an IP address isn't (WebAuthn section 5.1.3).
    CONSOLE_URL: `http://localhost:${ports.console}`,
  };
  for (const name of SITE_VARIABLES) {
    const text = nonEmpty(env[name]);
    if (text !== undefined) found[name] = text;
  }
  return found;
}
