/**
 * Which IP addresses a webhook may be posted to: those that are reachable from everywhere. The
 * ranges are those of IANA's registries of special-purpose addresses
 * (iana.org/assignments/iana-ipv4-special-registry, iana-ipv6-special-registry) and the addresses
 * where clouds serve their metadata.
 */

type Range = Readonly<{ first: bigint; bits: number }>;

function parseIpv4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part)))
    return undefined;
  const octets = parts.map(Number);
  if (octets.some((octet) => octet > 255)) return undefined;
  return octets.reduce((sum, octet) => sum * 256n + BigInt(octet), 0n);
}

/** Reads the groups of one side of `::`; the last one may be an IPv4 address. */
function parseGroups(text: string): bigint[] | undefined {
  if (text === '') return [];
  const groups: bigint[] = [];
  for (const group of text.split(':')) {
    const ipv4 = group.includes('.') ? parseIpv4(group) : undefined;
    if (ipv4 !== undefined) groups.push(ipv4 >> 16n, ipv4 & 0xffffn);
    else if (/^[0-9a-f]{1,4}$/i.test(group)) groups.push(BigInt(`0x${group}`));
    else return undefined;
  }
  return groups;
}

/** RFC 4291 section 2.2. */
function parseIpv6(text: string): bigint | undefined {
  const sides = text.split('::');
  if (sides.length > 2) return undefined;
  const [head, tail] = [parseGroups(sides[0] ?? ''), parseGroups(sides[1] ?? '')];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (sides.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => 0n), ...tail];
  return groups.reduce((sum, group) => sum * 0x10000n + group, 0n);
}

function parseRange(text: string): Range {
  const [address = '', prefix = ''] = text.split('/');
  const first = address.includes(':') ? parseIpv6(address) : parseIpv4(address);
  if (first === undefined) throw new RangeError('not an address');
  return { first, bits: (address.includes(':') ? 128 : 32) - Number(prefix) };
}

function isWithin(address: bigint, ranges: readonly Range[]): boolean {
  return ranges.some(({ first, bits }) => address >> BigInt(bits) === first >> BigInt(bits));
}

const NOT_PUBLIC_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  // Link-local, with the metadata service of most clouds.
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  // Azure's platform address, which looks public
  // (learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16).
  '168.63.129.16/32',
  '224.0.0.0/4',
  '240.0.0.0/4',
].map(parseRange);

/** Global unicast; everything outside of it is loopback, local, multicast, mapped or reserved. */
const GLOBAL_IPV6 = ['2000::/3'].map(parseRange);
const NOT_PUBLIC_IPV6 = [
  // IETF protocols, with Teredo (2001::/32), which carries an IPv4 address.
  '2001::/23',
  '2001:db8::/32',
  // 6to4 carries an IPv4 address too.
  '2002::/16',
  '3fff::/20',
].map(parseRange);

/** Checks whether the text is an IP address that is reachable from everywhere. */
export function isPublicAddress(text: string): boolean {
  const ipv4 = parseIpv4(text);
  if (ipv4 !== undefined) return !isWithin(ipv4, NOT_PUBLIC_IPV4);
  const ipv6 = parseIpv6(text);
  if (ipv6 === undefined) return false;
  return isWithin(ipv6, GLOBAL_IPV6) && !isWithin(ipv6, NOT_PUBLIC_IPV6);
}

/**
 * Returns the address of a host as `URL.hostname` has it, without brackets, or undefined for a
 * name. URL has already reduced every spelling of an IPv4 address (decimal, octal, hexadecimal,
 * short, with a final dot) to the dotted one (url.spec.whatwg.org, "IPv4 parser").
 */
export function getAddressLiteral(hostname: string): string | undefined {
  if (hostname.startsWith('[')) return hostname.slice(1, -1);
  return parseIpv4(hostname) === undefined ? undefined : hostname;
}
