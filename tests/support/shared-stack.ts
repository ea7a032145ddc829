/**
 * One local stack for all test files that one worker process runs. A stack takes seconds of CPU to
 * start, and most system tests need no binding of their own: they make an account each and leave
 * the others' alone. Projects that use it turn vitest's isolation off, so that this module is
 * loaded once a worker.
 *
 * A test that restarts Workers, stops the database or needs its own bindings calls `startStack`
 * instead.
 */
import { type LocalStack, startStack } from '@farebox/local';
import { ScriptedUpstream } from './scripted-upstream.ts';

export type SharedStack = Readonly<{ stack: LocalStack; upstream: ScriptedUpstream }>;

/**
 * Who answers for the providers: the independent mock, or a script of the test. `site` is the mock,
 * with the public site, which takes seconds to build.
 */
type StackKind = 'mock' | 'scripted' | 'site';

const started = new Map<StackKind, Promise<SharedStack>>();

async function start(kind: StackKind): Promise<SharedStack> {
  const upstream = await ScriptedUpstream.start();
  const apiKey = 'sk-upstream';
  const scripted = {
    openai: { baseUrl: `${upstream.url}/v1`, apiKey },
    deepseek: { baseUrl: upstream.url, apiKey },
    anthropic: { baseUrl: upstream.url, apiKey },
    google: { baseUrl: upstream.url, apiKey },
    xai: { baseUrl: `${upstream.url}/v1`, apiKey },
  };
  const extraProviders = ['moonshotai', 'groq'].map((id) => ({
    id,
    base_url: `${upstream.url}/v1`,
    api_key: apiKey,
  }));
  const ranker = {
    id: 'cohere',
    base_url: `${upstream.url}/compatibility/v1`,
    api_key: apiKey,
    endpoints: { rerank: `${upstream.url}/v2/rerank` },
  };
  const stack = await startStack({
    quiet: true,
    cronEveryMs: null,
    providers: kind === 'scripted' ? scripted : {},
    extraProviders: kind === 'scripted' ? [...extraProviders, ranker] : [],
    // The site with a counter: its tests show that nothing of it is loaded without consent.
    ...(kind === 'site' ? { site: { METRIKA_COUNTER: '109153189' } } : {}),
  });
  // Vitest ends the worker without a hook after its last file.
  process.once('exit', () => {
    const pid = stack.workerdPid();
    if (pid !== null) process.kill(pid, 'SIGKILL');
  });
  return { stack, upstream };
}

/**
 * The worker's stack of this kind, started by the first file that asks. Its crons fire by
 * `runCrons` only.
 */
export function sharedStack(kind: StackKind): Promise<SharedStack> {
  const running = started.get(kind) ?? start(kind);
  started.set(kind, running);
  return running;
}
