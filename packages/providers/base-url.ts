/**
 * Where a provider is spoken to. A base address comes from the deployment's settings; it must be
 * https without a user name in it, because a key goes there (plain http only to this very machine,
 * for mocks). A bad one is refused at configuration, by the provider's name and never by its text.
 */
import { isLoopback } from '@farebox/bindings';

/** The base without its trailing slashes; throws where a key must not be sent to it. */
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
