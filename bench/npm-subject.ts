/** What the subjects from npm have in common: an installation that is kept, and a port. */
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchContext } from './subject.ts';

export type NpmPackage = Readonly<{
  name: string;
  version: string;
  /** The file to run, in the package's folder. */
  entry: string;
  overrides?: Readonly<Record<string, string>>;
}>;

/** Installs a package into the cache once and returns its entry file. */
export async function installPackage(context: BenchContext, npmPackage: NpmPackage) {
  const { name, version, overrides = {} } = npmPackage;
  const folder = join(context.cache, `${name.replace(/^@|\/.*$/g, '')}-${version}`);
  const entry = join(folder, 'node_modules', name, npmPackage.entry);
  if (existsSync(entry)) return entry;
  context.log(`installing ${name} ${version} (once)`);
  mkdirSync(folder, { recursive: true });
  const manifest = { private: true, dependencies: { [name]: version }, overrides };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  const npm = context.processes.start(
    npmProgram(),
    ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error'],
    { cwd: folder },
  );
  const [code] = await once(npm.child, 'exit');
  if (code !== 0 || !existsSync(entry))
    throw new Error(`bench: npm could not install ${name} (${code})`);
  return entry;
}

/**
 * The npm beside the running Node, or the one in PATH: a Node installed from npm has none of its
 * own.
 */
function npmProgram(): string {
  const bundledNpm = join(dirname(globalThis.process.execPath), 'npm');
  return existsSync(bundledNpm) ? bundledNpm : 'npm';
}

export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('bench: no free port');
  return address.port;
}

export async function waitUntilListening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const socket = connect({ port, host: '127.0.0.1' });
    const open = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await sleep(100);
  }
  throw new Error(`bench: nothing listens on port ${port}`);
}
