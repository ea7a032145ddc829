/**
 * An HTTP client of the console for system tests. It keeps cookies and sends the origin of its
 * forms as a browser does, and follows a redirect only on request.
 */
import type { LocalStack } from '@farebox/local';

export type PageResponse = Readonly<{
  status: number;
  /** The target of a redirect: a path, or a full URL on another origin. */
  location: string | null;
  headers: Headers;
  body: string;
}>;
export type FormFields = Readonly<Record<string, string>>;

export type ConsoleClient = Readonly<{
  get(path: string, headers?: FormFields): Promise<PageResponse>;
  /** Does not follow redirects. */
  post(path: string, fields: FormFields, headers?: FormFields): Promise<PageResponse>;
  /** Follows redirects of the console and returns the last page. */
  follow(response: PageResponse): Promise<PageResponse>;
  /** Cookies by name, with their prefix. */
  cookies: Map<string, string>;
}>;

const NAME_AND_VALUE = /^([^=;]+)=([^;]*)/;

function storeCookies(cookies: Map<string, string>, headers: Headers): void {
  for (const line of headers.getSetCookie()) {
    const [, name = '', value = ''] = NAME_AND_VALUE.exec(line) ?? [];
    if (/;\s*max-age=0/i.test(line)) cookies.delete(name);
    else cookies.set(name, value);
  }
}

/** `network` is the client address that Cloudflare would report; rate limits count by it. */
export function createConsoleClient(
  stack: Pick<LocalStack, 'consoleUrl'>,
  { network: ip = '198.51.100.7', language = 'en' } = {},
): ConsoleClient {
  const { origin } = new URL(stack.consoleUrl);
  const cookies = new Map<string, string>();

  async function send(
    path: string,
    init: RequestInit & { headers: FormFields },
  ): Promise<PageResponse> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const defaultHeaders = { 'accept-language': language, 'cf-connecting-ip': ip };
    const headers = { ...defaultHeaders, ...(cookie === '' ? {} : { cookie }), ...init.headers };
    const response = await fetch(origin + path, { ...init, headers, redirect: 'manual' });
    storeCookies(cookies, response.headers);
    const body = await response.text();
    const location = response.headers.get('location');
    return { status: response.status, location, headers: response.headers, body };
  }

  const get = (path: string, headers: FormFields = {}) => send(path, { headers });
  const post = (path: string, fields: FormFields, headers: FormFields = {}) =>
    send(path, {
      method: 'POST',
      body: new URLSearchParams(fields),
      headers: { origin, 'sec-fetch-site': 'same-origin', ...headers },
    });
  async function follow(response: PageResponse): Promise<PageResponse> {
    let last = response;
    for (let hops = 0; hops < 5 && last.location !== null; hops += 1) {
      last = await get(last.location);
    }
    return last;
  }
  return { get, post, follow, cookies };
}

/** Signs in by password alone, or throws with the text of the page. */
export async function signInAs(
  client: ConsoleClient,
  credentials: Readonly<{ email: string; password: string }>,
): Promise<void> {
  const response = await client.post('/sign-in', {
    email: credentials.email,
    password: credentials.password,
  });
  if (response.location !== '/')
    throw new Error(`not signed in: ${response.status} ${response.body}`);
}
