/** Which URLs a webhook may have, and where its host may lead. */
import { createServer, type Server } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createResolver } from './dns.ts';
import { checkResolvedHost, type EndpointRules, parseEndpoint } from './endpoint.ts';
import { isPublicAddress } from './ip-addresses.ts';

const RULES: EndpointRules = {
  ownUrls: [
    'https://console.farebox.example.org',
    'https://api.farebox.example.org',
    'https://farebox.example.org',
  ].map((url) => new URL(url)),
  isLocal: false,
};
const LOCAL_RULES: EndpointRules = {
  ownUrls: [new URL('http://localhost:8788'), new URL('http://127.0.0.1:8787')],
  isLocal: true,
};

const findProblem = (text: string, rules = RULES) => {
  const result = parseEndpoint(text, rules);
  return result.ok ? undefined : result.problem;
};

describe('the endpoint of a webhook', () => {
  it.each([
    ['https://example.com/farebox', 'https://example.com/farebox'],
    ['  https://example.com/a?token=b#part  ', 'https://example.com/a?token=b'],
    ['https://example.com:443/', 'https://example.com/'],
    ['https://example.com:8443/x', 'https://example.com:8443/x'],
    ['HTTPS://EXAMPLE.COM', 'https://example.com/'],
    ['https://bücher.com/', 'https://xn--bcher-kva.com/'],
    ['https://8.8.8.8/', 'https://8.8.8.8/'],
    ['https://[2606:4700:4700::1111]/', 'https://[2606:4700:4700::1111]/'],
    ['https://notfarebox.example.org.com/', 'https://notfarebox.example.org.com/'],
  ])('%j is stored as %j', (text, endpoint) => {
    expect(parseEndpoint(text, RULES)).toEqual({ ok: true, endpoint });
  });

  it.each([
    '',
    'example',
    'example.com/x',
    'https://',
    'https://exa mple.com',
    'https://[::1',
    'https://1.2.3.4.5/',
    'https://256.1.1.1/',
    'https://0x100000000/',
    'mailto:ann@example.com',
    'javascript:alert(1)',
    'data:text/plain,x',
  ])('%j is malformed', (text) => {
    expect(['malformed', 'not_https']).toContain(findProblem(text));
  });

  it.each([
    ['http://example.com/', 'not_https'],
    ['ftp://example.com/', 'not_https'],
    ['wss://example.com/', 'not_https'],
    ['https://user@example.com/', 'credentials'],
    ['https://user:password@example.com/', 'credentials'],
    ['https://:password@example.com/', 'credentials'],
    ['https://example.com:80/', 'port'],
    ['https://example.com:22/', 'port'],
    ['https://example.com:8080/', 'port'],
    ['https://example.com:65535/', 'port'],
    [`https://example.com/${'x'.repeat(300)}`, 'too_long'],
    [`https://example.com/${'ж'.repeat(50)}`, 'too_long'],
  ])('%j is rejected: %s', (text, problem) => {
    expect(findProblem(text)).toBe(problem);
  });

  it.each([
    // Loopback in every spelling of an IPv4 address.
    ...['127.0.0.1', '127.1', '127.0.1', '2130706433', '0x7f000001', '0x7f.1', '0177.0.0.1'],
    ...[
      '017700000001',
      '127.0.0.1.',
      '127.255.255.254',
      '１２７.0.0.1',
      '127。0。0。1',
      '0x7F.0.0.1',
    ],
    ...['%31%32%37.0.0.1', '0', '0.0.0.0'],
    // Private, shared, link-local and metadata.
    ...['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.1.1', '0xc0a80101'],
    ...['169.254.169.254', '2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '100.100.100.200'],
    ...['100.64.0.1', '100.127.255.255', '168.63.129.16', '192.0.0.192', '198.18.0.1'],
    ...['192.0.2.1', '198.51.100.7', '203.0.113.9', '192.88.99.1', '224.0.0.1', '255.255.255.255'],
    ...['240.0.0.1'],
    // IPv6.
    ...['[::1]', '[::]', '[0:0:0:0:0:0:0:1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]'],
    ...['[::ffff:169.254.169.254]', '[::127.0.0.1]', '[fe80::1]', '[febf::1]', '[fc00::1]'],
    ...['[fd00:ec2::254]', '[fdff::1]', '[ff02::1]', '[64:ff9b::7f00:1]', '[64:ff9b:1::1]'],
    ...[
      '[2002:7f00:1::]',
      '[2001::1]',
      '[2001:db8::1]',
      '[3fff::1]',
      '[100::1]',
      '[::ffff:8.8.8.8]',
    ],
    ...['[fec0::1]', '[5f00::1]'],
    // Names that no public DNS has.
    ...['localhost', 'LOCALHOST', 'localhost.', 'a.localhost', 'metadata.google.internal'],
    ...[
      'metadata',
      'intranet',
      'router.lan',
      'printer.local',
      'host.docker.internal',
      'a.home.arpa',
    ],
    ...['x.test', 'x.invalid', 'x.onion', 'db.corp', 'ip6-localhost', 'localhost.localdomain'],
    // Names with an empty label, which a resolver may read without it.
    ...['localhost..', '127.0.0.1..', 'console.farebox.example.org..', 'a..example.com'],
  ])('does not lead to %s', (host) => {
    expect(findProblem(`https://${host}/`)).toBe('private_address');
  });

  it.each([
    'console.farebox.example.org',
    'CONSOLE.farebox.example.org.',
    'api.farebox.example.org',
    'farebox.example.org',
    'operators.farebox.example.org',
    'a.console.farebox.example.org',
  ])('is not our own host %s', (host) => {
    expect(findProblem(`https://${host}/hooks/ses`)).toBe('own_host');
  });

  it('is neither plain HTTP nor this machine’s unless the rules are local', () => {
    const text = 'http://127.0.0.1:9000/hook';
    expect(findProblem(text)).toBe('not_https');
    expect(parseEndpoint(text, LOCAL_RULES)).toEqual({ ok: true, endpoint: text });
    expect(findProblem('http://127.0.0.1:8787/v1/models', LOCAL_RULES)).toBe('own_host');
    expect(findProblem('http://a:b@127.0.0.1:9000/', LOCAL_RULES)).toBe('credentials');
    expect(findProblem('ftp://127.0.0.1/', LOCAL_RULES)).toBe('not_https');
  });
});

describe('isPublicAddress', () => {
  it('rejects every address of the private ranges and accepts their public neighbours', () => {
    const octet = fc.integer({ min: 0, max: 255 });
    const rest = fc.tuple(octet, octet, octet);
    fc.assert(
      fc.property(rest, fc.constantFrom(0, 10, 127, 224, 255), ([b, c, d], a) => {
        expect(isPublicAddress(`${a}.${b}.${c}.${d}`)).toBe(false);
      }),
    );
    for (const text of [
      '172.15.255.255',
      '172.32.0.0',
      '100.63.255.255',
      '100.128.0.0',
      '11.0.0.0',
    ])
      expect(isPublicAddress(text), text).toBe(true);
    for (const text of ['169.253.1.1', '192.167.1.1', '192.169.1.1', '223.255.255.255', '1.1.1.1'])
      expect(isPublicAddress(text), text).toBe(true);
  });

  it('rejects an IPv6 address outside of global unicast, however it is written', () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    const groups = fc.array(group, { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(groups, ([first = 0, ...others]) => {
        const full = [first, ...others].map((one) => one.toString(16)).join(':');
        const short = new URL(`http://[${full}]/`).hostname.slice(1, -1);
        expect(isPublicAddress(short)).toBe(isPublicAddress(full));
        if (first >> 13 !== 1) expect(isPublicAddress(full)).toBe(false);
      }),
    );
  });

  it.each([
    '',
    'a',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '1.2.3.256',
    '1::2::3',
    '1:2:3:4:5:6:7',
    'g::1',
  ])('rejects %j, which is no address', (text) => {
    expect(isPublicAddress(text)).toBe(false);
  });
});

describe('the look-up of a webhook’s host', () => {
  /** A resolver that answers as Cloudflare's does, over HTTP. */
  const zone: Record<string, { A?: string[]; AAAA?: string[] }> = {
    'public.example.com': { A: ['93.184.216.34'], AAAA: ['2606:2800:220:1::1'] },
    'rebound.example.com': { A: ['93.184.216.34', '127.0.0.1'] },
    'mapped.example.com': { A: ['93.184.216.34'], AAAA: ['::ffff:10.0.0.1'] },
    'local.example.com': { AAAA: ['fd00::1'] },
    'empty.example.com': {},
    'failing.example.com': { A: ['93.184.216.34'] },
  };
  let server: Server;
  let url: string;
  beforeAll(async () => {
    server = createServer((request, response) => {
      const query = new URL(request.url ?? '', 'http://x').searchParams;
      const name = query.get('name') ?? '';
      const type = query.get('type') === 'A' ? 'A' : 'AAAA';
      if (name === 'broken.example.com' && type === 'AAAA') return response.writeHead(500).end();
      // What a resolver answers where the name's own servers fail, with the HTTP status 200.
      if (name === 'failing.example.com' && type === 'AAAA')
        return response.end(JSON.stringify({ Status: 2 }));
      const records = (zone[name]?.[type] ?? []).map((data) => ({
        ...{ name, data, TTL: 1 },
        type: type === 'A' ? 1 : 28,
      }));
      const alias = { name, type: 5, TTL: 1, data: 'other.example.com.' };
      return response.end(JSON.stringify({ Status: 0, Answer: [alias, ...records] }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`;
  });
  afterAll(() => server.close());

  it.each([
    ['public.example.com', undefined],
    ['public.example.com.', undefined],
    ['rebound.example.com', 'private_address'],
    ['mapped.example.com', 'private_address'],
    ['local.example.com', 'private_address'],
    ['empty.example.com', 'unresolved'],
    ['unknown.example.com', 'unresolved'],
    ['broken.example.com', 'unresolved'],
    ['failing.example.com', 'unresolved'],
  ])('of %s finds %s', async (host, problem) => {
    const resolveHost = createResolver((request) =>
      fetch(`${url}${new URL(request.url).search}`, { headers: request.headers }),
    );
    expect(await checkResolvedHost(`https://${host}/x`, resolveHost, RULES)).toBe(problem);
  });

  it('is not made for an address, nor on a developer’s machine', async () => {
    const resolveHost = async () => ['127.0.0.1'];
    expect(await checkResolvedHost('https://8.8.8.8/', resolveHost, RULES)).toBeUndefined();
    expect(
      await checkResolvedHost('http://localhost:1/', resolveHost, LOCAL_RULES),
    ).toBeUndefined();
  });
});
