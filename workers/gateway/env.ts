/**
 * The only reader of the gateway's bindings. It checks them at first use, fails loudly naming the
 * missing one, and hands everybody else values: the House.
 */
import { type MacSecrets, readMacSecrets } from '@farebox/identity/api-keys';
import { type CallsDoor, type LedgerClient, ledgerClient } from '@farebox/ledger';
import {
  configureProviders,
  type Provider,
  type ProviderId,
  type ProviderSettings,
} from '@farebox/providers';
import { signal } from '@farebox/signals';
import { Intake } from './intake.ts';
import type { Patience } from './stream.ts';
import { Throttle } from './throttle.ts';

/** The bindings of this Worker, as wrangler.toml and the secrets give them. */
export type Env = Readonly<{
  LEDGER?: CallsDoor;
  SETTLEMENTS?: Queue;
  KEY_MAC_SECRETS?: string;
  EXTRA_PROVIDERS?: string;
  /** "true" where there is no TLS in front, as on one's own machine. */
  ALLOW_PLAIN_HTTP?: string;
  /** Output tokens injected where the caller gives no limit. */
  DEFAULT_MAX_OUTPUT?: string;
  KEY_CALLS_PER_SECOND?: string;
  FIRST_BYTE_SECONDS?: string;
  SILENCE_SECONDS?: string;
  PING_SECONDS?: string;
  CHECKPOINT_SECONDS?: string;
  DRAIN_SECONDS?: string;
  GRACE_SECONDS?: string;
}> &
  Readonly<Partial<Record<`${ProviderName}_API_KEY` | `${ProviderName}_BASE_URL`, string>>>;

type ProviderName = 'OPENAI' | 'ANTHROPIC' | 'GEMINI' | 'XAI' | 'DEEPSEEK';

const PROVIDER_NAMES: readonly (readonly [ProviderId, ProviderName])[] = [
  ['openai', 'OPENAI'],
  ['anthropic', 'ANTHROPIC'],
  ['google', 'GEMINI'],
  ['xai', 'XAI'],
  ['deepseek', 'DEEPSEEK'],
];

/** Everything the gateway's rooms need, once per isolate. */
export type House = Readonly<{
  macSecrets: MacSecrets;
  ledger: LedgerClient;
  settlements: Queue;
  providers: ReadonlyMap<ProviderId, Provider>;
  intake: Intake;
  throttle: Throttle;
  patience: Patience;
  defaultMaxOutput: number;
  allowPlainHttp: boolean;
}>;

export class MissingBinding extends Error {
  constructor(name: string) {
    super(`The binding ${name} is missing or malformed; see docs/storage.md.`);
    signal({ event: 'binding_missing', name });
  }
}

function needed<T>(value: T | undefined, name: string): T {
  if (value === undefined || value === '') throw new MissingBinding(name);
  return value;
}

function numberFrom(text: string | undefined, name: string, otherwise: number): number {
  if (text === undefined || text === '') return otherwise;
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new MissingBinding(name);
  return value;
}

type Extra = ProviderSettings['extra'][number];

/** `[{"id": "groq", "base_url": "https://...", "api_key": "..."}]` */
function extraProviders(text: string | undefined): readonly Extra[] {
  if (text === undefined || text === '') return [];
  const malformed = new MissingBinding('EXTRA_PROVIDERS');
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw malformed;
  }
  if (!Array.isArray(list)) throw malformed;
  return list.map((item: Partial<Record<string, unknown>> | null) => {
    const { id, base_url: baseUrl, api_key: apiKey } = item ?? {};
    if (typeof id !== 'string' || typeof baseUrl !== 'string' || typeof apiKey !== 'string') {
      throw malformed;
    }
    return { id, baseUrl, apiKey };
  });
}

function providerSettings(env: Env): ProviderSettings {
  const apiKeys: Record<ProviderId, string> = {};
  const baseUrls: Record<ProviderId, string> = {};
  for (const [id, name] of PROVIDER_NAMES) {
    const key = env[`${name}_API_KEY`];
    const baseUrl = env[`${name}_BASE_URL`];
    if (key !== undefined && key !== '') apiKeys[id] = key;
    if (baseUrl !== undefined && baseUrl !== '') baseUrls[id] = baseUrl;
  }
  return { apiKeys, baseUrls, extra: extraProviders(env.EXTRA_PROVIDERS) };
}

function patienceFrom(env: Env): Patience {
  const ms = (text: string | undefined, name: string, seconds: number) =>
    1000 * numberFrom(text, name, seconds);
  return {
    // The official SDKs give a call 10 minutes.
    firstByte: ms(env.FIRST_BYTE_SECONDS, 'FIRST_BYTE_SECONDS', 600),
    silence: ms(env.SILENCE_SECONDS, 'SILENCE_SECONDS', 300),
    // Claude Code's watchdog cancels after 15 s without an event (Router-Maestro#61); and where nothing
    // is written, workerd does not notice that a caller has left (workerd#4638).
    ping: ms(env.PING_SECONDS, 'PING_SECONDS', 5),
    checkpoint: ms(env.CHECKPOINT_SECONDS, 'CHECKPOINT_SECONDS', 5),
    // waitUntil ends 30 s after the caller left (Workers docs, "Context").
    drain: ms(env.DRAIN_SECONDS, 'DRAIN_SECONDS', 20),
    grace: ms(env.GRACE_SECONDS, 'GRACE_SECONDS', 120),
  };
}

function furnish(env: Env): House {
  const macSecrets = readMacSecrets(needed(env.KEY_MAC_SECRETS, 'KEY_MAC_SECRETS'));
  if (macSecrets === undefined) throw new MissingBinding('KEY_MAC_SECRETS');
  const perSecond = numberFrom(env.KEY_CALLS_PER_SECOND, 'KEY_CALLS_PER_SECOND', 300);
  return {
    macSecrets,
    ledger: ledgerClient(needed(env.LEDGER, 'LEDGER')),
    settlements: needed(env.SETTLEMENTS, 'SETTLEMENTS'),
    providers: configureProviders(providerSettings(env)),
    intake: new Intake(),
    throttle: new Throttle({ perSecond, burst: 2 * perSecond }),
    patience: patienceFrom(env),
    defaultMaxOutput: numberFrom(env.DEFAULT_MAX_OUTPUT, 'DEFAULT_MAX_OUTPUT', 32_768),
    allowPlainHttp: env.ALLOW_PLAIN_HTTP === 'true',
  };
}

const houses = new WeakMap<Env, House>();

/** The House of these bindings; made at first use, because nothing may run at start-up. */
export function houseOf(env: Env): House {
  const known = houses.get(env);
  if (known !== undefined) return known;
  const house = furnish(env);
  houses.set(env, house);
  return house;
}
