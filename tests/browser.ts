/**
 * A browser without a screen, for system tests of the console: it keeps cookies as one does, says where its
 * forms come from, and follows a redirect only where it is told to.
 */
import type { LocalStack } from '@farebox/local';

export type Answer = Readonly<{
  status: number;
  /** Where a redirect leads: a path, or a whole address where it leads elsewhere. */
  location: string | null;
  headers: Headers;
  body: string;
}>;
export type Fields = Readonly<Record<string, string>>;

export type Visitor = Readonly<{
  get(path: string, headers?: Fields): Promise<Answer>;
  /** Not followed, whatever it answers. */
  post(path: string, fields: Fields, headers?: Fields): Promise<Answer>;
  /** The page that a chain of our own redirects ends at. */
  follow(answer: Answer): Promise<Answer>;
  /** By name, with the prefix. */
  cookies: Map<string, string>;
}>;

const NAME_AND_VALUE = /^([^=;]+)=([^;]*)/;

function keepCookies(cookies: Map<string, string>, headers: Headers): void {
  for (const line of headers.getSetCookie()) {
    const [, name = '', value = ''] = NAME_AND_VALUE.exec(line) ?? [];
    if (/;\s*max-age=0/i.test(line)) cookies.delete(name);
    else cookies.set(name, value);
  }
}

/** `network` is what Cloudflare would say the visitor's address is: throttles count by it. */
export function openConsole(
  stack: Pick<LocalStack, 'consoleUrl'>,
  { network = '198.51.100.7', language = 'en' } = {},
): Visitor {
  const { origin } = new URL(stack.consoleUrl);
  const cookies = new Map<string, string>();

  async function ask(path: string, init: RequestInit & { headers: Fields }): Promise<Answer> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const own = { 'accept-language': language, 'cf-connecting-ip': network };
    const headers = { ...own, ...(cookie === '' ? {} : { cookie }), ...init.headers };
    const response = await fetch(origin + path, { ...init, headers, redirect: 'manual' });
    keepCookies(cookies, response.headers);
    const body = await response.text();
    const location = response.headers.get('location');
    return { status: response.status, location, headers: response.headers, body };
  }

  const get = (path: string, headers: Fields = {}) => ask(path, { headers });
  const post = (path: string, fields: Fields, headers: Fields = {}) =>
    ask(path, {
      method: 'POST',
      body: new URLSearchParams(fields),
      headers: { origin, 'sec-fetch-site': 'same-origin', ...headers },
    });
  async function follow(answer: Answer): Promise<Answer> {
    let last = answer;
    for (let hops = 0; hops < 5 && last.location !== null; hops += 1) {
      last = await get(last.location);
    }
    return last;
  }
  return { get, post, follow, cookies };
}

/** Signs in by password alone, or throws with what the page said. */
export async function signInAs(
  visitor: Visitor,
  who: Readonly<{ email: string; password: string }>,
): Promise<void> {
  const answer = await visitor.post('/sign-in', { email: who.email, password: who.password });
  if (answer.location !== '/') throw new Error(`not signed in: ${answer.status} ${answer.body}`);
}
