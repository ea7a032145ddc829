/**
 * The base URL of a provider comes from the deployment's settings. It must be https and hold no
 * credentials, because a key is sent there; plain http is allowed to loopback addresses, for mocks.
 * The error for a bad one names the provider and never repeats the URL.
 */
import { isLoopback } from '@farebox/bindings';

/** Returns the URL without trailing slashes. Throws if a key must not be sent to it. */
export function validateBaseUrl(id: string, text: string): string {
  const url = URL.parse(text);
  if (url === null) throw new Error(`the base URL of provider ${id} is not a URL`);
  if (url.username !== '' || url.password !== '')
    throw new Error(`the base URL of provider ${id} holds credentials`);
  if (url.search !== '' || url.hash !== '')
    throw new Error(`the base URL of provider ${id} has a query or a fragment`);
  const isLoopbackHttp = url.protocol === 'http:' && isLoopback(url.hostname);
  if (url.protocol !== 'https:' && !isLoopbackHttp)
    throw new Error(`the base URL of provider ${id} is not https`);
  return (url.origin + url.pathname).replace(/\/+$/, '');
}
