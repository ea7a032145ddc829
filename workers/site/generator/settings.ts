/**
 * What the site is built for: its own address, those of API and console, and what its operator
 * chose. Read from the environment of the build, as nothing of it changes between two deployments.
 */

import { isLoopback } from '@farebox/bindings';
import { CHAINS, type Chain, parseConfiguration } from '@farebox/deposits';

export type SiteSettings = Readonly<{
  /** The origin of the site, such as `https://farebox.example`. */
  siteUrl: string;
  apiUrl: string;
  consoleUrl: string;
  /** Who runs the service: a name for the terms and the privacy policy. */
  operatorName: string;
  contactEmail: string;
  /** The number of the Yandex Metrika counter; null loads nothing and asks nothing. */
  metrikaCounter: string | null;
  /** The networks that deposits are taken on, with their minimum and confirmations. */
  networks: readonly Chain[];
  /** Where the source code can be read; null links to none. */
  sourceUrl: string | null;
  /** The deployed git commit; null where it is not known. */
  commit: string | null;
  /** The deployed version of each Worker that the build was told of. */
  workerVersions: ReadonlyMap<DeployedWorker, string>;
  /** Milliseconds since the epoch. */
  builtAt: number;
}>;

/** The gateway of `npm start`, which the repository's documents name. */
export const LOCAL_API_URL = 'http://127.0.0.1:8787';

type EnvVars = Readonly<Record<string, string | undefined>>;

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text.trim();
}

/** Returns the origin of a URL. Throws an error that names the variable if it is none. */
function parseOrigin(env: EnvVars, name: string, fallback: string): string {
  const url = URL.parse(nonEmpty(env[name]) ?? fallback);
  if (url === null) throw new Error(`${name} isn’t a URL.`);
  return url.origin;
}

function parseCounter(env: EnvVars): string | null {
  const text = nonEmpty(env.METRIKA_COUNTER);
  if (text === undefined) return null;
  // It becomes part of a script and of a URL.
  if (!/^\d{1,12}$/.test(text)) throw new Error('METRIKA_COUNTER isn’t the number of a counter.');
  return text;
}

/**
 * Legal pages of a public site name who runs it and where to write, so a site that others can reach
 * is not built without. Throws an error that names the variable.
 */
function parseLegalText(env: EnvVars, name: string, siteUrl: string, local: string): string {
  const text = nonEmpty(env[name]);
  if (text === undefined && !isLoopback(new URL(siteUrl).hostname)) {
    throw new Error(`${name} is required for a site that is not on this machine.`);
  }
  return text ?? local;
}

/** The Workers that are deployed before the site is built. */
export const DEPLOYED_WORKERS = ['gateway', 'ledger', 'console', 'deposits', 'operators'] as const;
export type DeployedWorker = (typeof DEPLOYED_WORKERS)[number];

const WORKER_VERSION = /^([a-z]+)=([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** `gateway=<uuid>,console=<uuid>`, with the ids that `wrangler versions list` prints. */
function parseWorkerVersions(env: EnvVars): ReadonlyMap<DeployedWorker, string> {
  const items = nonEmpty(env.WORKER_VERSIONS)?.split(',') ?? [];
  return new Map(
    items.map((item) => {
      const [, name, version] = WORKER_VERSION.exec(item.trim()) ?? [];
      const worker = DEPLOYED_WORKERS.find((known) => known === name);
      if (worker === undefined || version === undefined)
        throw new Error('WORKER_VERSIONS isn’t a list of name=version.');
      return [worker, version];
    }),
  );
}

/**
 * `DEPOSIT_NETWORKS` names the networks (`tron,bsc`), all of them by default; their confirmations are
 * those of the variables that the deposits Worker reads (`<NETWORK>_DEPTH`, `<NETWORK>_LARGE_DEPTH`).
 */
function parseNetworks(env: EnvVars): readonly Chain[] {
  const { chains, invalidVariables } = parseConfiguration(env);
  if (invalidVariables.length > 0) throw new Error(`${invalidVariables.join(', ')} isn’t valid.`);
  const names =
    nonEmpty(env.DEPOSIT_NETWORKS)
      ?.split(',')
      .map((name) => name.trim()) ?? CHAINS;
  const unknown = names.filter((name) => !CHAINS.some((chain) => chain === name));
  if (unknown.length > 0) throw new Error(`DEPOSIT_NETWORKS has no network ${unknown.join(', ')}.`);
  return chains.filter(({ name }) => names.includes(name));
}

/** Returns the address as it is written, but of the web only: it becomes a link. */
function parseSourceUrl(env: EnvVars): string | null {
  const text = nonEmpty(env.SOURCE_URL);
  if (text === undefined) return null;
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? ''))
    throw new Error('SOURCE_URL isn’t a URL.');
  return text;
}

/** The defaults are the addresses of `npm start`. */
export function parseSiteSettings(
  env: EnvVars,
  builtAt: number,
  commit: string | null,
): SiteSettings {
  const siteUrl = parseOrigin(env, 'SITE_URL', 'http://127.0.0.1:8793');
  return {
    siteUrl,
    apiUrl: parseOrigin(env, 'API_URL', LOCAL_API_URL),
    consoleUrl: parseOrigin(env, 'CONSOLE_URL', 'http://localhost:8788'),
    operatorName: parseLegalText(env, 'OPERATOR_NAME', siteUrl, 'the operator of this site'),
    contactEmail: parseLegalText(env, 'CONTACT_EMAIL', siteUrl, 'support@example.com'),
    metrikaCounter: parseCounter(env),
    networks: parseNetworks(env),
    sourceUrl: parseSourceUrl(env),
    commit,
    workerVersions: parseWorkerVersions(env),
    builtAt,
  };
}
