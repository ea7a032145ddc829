/** The dependencies of the secret scanning webhook. */
import { cachePerEnv, localUrl, requireUrl } from '@farebox/bindings';
import type { Env } from '../env.ts';
import { SigningKeys } from './signature.ts';

const GITHUB_KEYS_URL = 'https://api.github.com/meta/public_keys/secret_scanning';

/** The public keys GitHub signs its secret scanning alerts with. */
export const getSigningKeys = cachePerEnv((env: Env) => {
  const { hostname } = requireUrl(env.CONSOLE_URL, 'CONSOLE_URL');
  const name = 'SECRET_SCANNING_KEYS_URL';
  return new SigningKeys(localUrl(env[name], name, hostname) ?? GITHUB_KEYS_URL);
});
