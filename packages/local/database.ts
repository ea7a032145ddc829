/**
 * The local database behind a Neon-compatible endpoint: PGlite on disk or in memory, or an existing
 * PostgreSQL. `stop` closes the endpoint as a network failure would: connections are cut, open
 * transactions are rolled back, committed rows stay.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { type NeonHttpServer, serveNeonHttp } from './neon-http-server.ts';
import { servePg } from './pg-server.ts';

export type DatabaseChoice = 'pglite' | 'pglite-memory' | Readonly<{ postgres: string }>;

export type LocalDatabase = Readonly<{
  /** The URL of the endpoint, which the Workers get. */
  url: string;
  /** The PostgreSQL behind the endpoint, for tools that speak its wire protocol. */
  directUrl: string;
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}>;

/** Caches an empty cluster: creating one takes seconds, copying it half a second. */
async function template(cacheDir: string): Promise<Blob> {
  const path = join(cacheDir, 'pglite-0.5.16.tar');
  const type = 'application/x-tar';
  if (existsSync(path)) return new Blob([readFileSync(path)], { type });
  const empty = await PGlite.create('memory://');
  const dump = await empty.dumpDataDir('none');
  await empty.close();
  mkdirSync(dirname(path), { recursive: true });
  const temporaryPath = `${path}.${process.pid}`;
  writeFileSync(temporaryPath, new Uint8Array(await dump.arrayBuffer()));
  renameSync(temporaryPath, path);
  return dump;
}

async function openPglite(dataDir: string | null, cacheDir: string): Promise<PGlite> {
  if (dataDir !== null && existsSync(join(dataDir, 'PG_VERSION'))) return PGlite.create(dataDir);
  const loadDataDir = await template(cacheDir);
  if (dataDir !== null) mkdirSync(dirname(dataDir), { recursive: true });
  return PGlite.create({ dataDir: dataDir ?? 'memory://', loadDataDir });
}

type Backend = Readonly<{ directUrl: string; close(): Promise<void> }>;

async function openBackend(
  choice: DatabaseChoice,
  stateDir: string,
  cacheDir: string,
): Promise<Backend> {
  if (typeof choice === 'object') return { directUrl: choice.postgres, close: async () => {} };
  const dataDir = choice === 'pglite' ? join(stateDir, 'database') : null;
  const db = await openPglite(dataDir, cacheDir);
  const pgServer = await servePg(db);
  return {
    directUrl: `postgresql://farebox:farebox@127.0.0.1:${pgServer.port}/postgres`,
    close: async () => {
      await pgServer.close();
      await db.close();
    },
  };
}

function endpointUrl(directUrl: string, port: number): string {
  const url = new URL(directUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return url.href;
}

export async function openDatabase(
  options: Readonly<{ choice: DatabaseChoice; stateDir: string; cacheDir: string; port: number }>,
): Promise<LocalDatabase> {
  const backend = await openBackend(options.choice, options.stateDir, options.cacheDir);
  let endpoint: NeonHttpServer | null;
  try {
    endpoint = await serveNeonHttp(backend.directUrl, options.port);
  } catch (error) {
    await backend.close();
    throw error;
  }
  const { port } = endpoint;
  const stop = async () => {
    const running = endpoint;
    endpoint = null;
    await running?.close();
  };
  return {
    url: endpointUrl(backend.directUrl, port),
    directUrl: backend.directUrl,
    stop,
    start: async () => {
      endpoint ??= await serveNeonHttp(backend.directUrl, port);
    },
    close: async () => {
      await stop();
      await backend.close();
    },
  };
}
