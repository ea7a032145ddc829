/**
 * The networks that a client's IP address belongs to, which rate limits count. One IPv6 line has at
 * least a /64, 2^64 addresses (RFC 6177 section 2; RFC 4291 section 2.5.4), so an address is no
 * identity there: the /64 is. A customer may get a /48, 65,536 such networks, so the /48 is counted
 * too, with larger limits because it may also be many customers.
 */

export type ClientNetworks = Readonly<{
  /** One IPv4 address, or an IPv6 /64. */
  network: string;
  /** The IPv6 /48; null for IPv4. */
  site: string | null;
}>;

/** What is not an address shares one network, so that an odd spelling avoids no limit. */
const UNKNOWN: ClientNetworks = { network: 'unknown', site: null };

const IPV6_GROUPS = 8;
const NETWORK_GROUPS = 4;
const SITE_GROUPS = 3;

/** Every spelling of an address gives the same networks. */
export function toClientNetworks(clientIp: string): ClientNetworks {
  // A zone (RFC 4007 section 11) names an interface of one machine, not a network.
  const [address = ''] = clientIp.trim().toLowerCase().split('%');
  if (!address.includes(':')) return toIpv4Network(parseIpv4(address));
  const groups = parseIpv6(address);
  if (groups === undefined) return UNKNOWN;
  if (isIpv4Mapped(groups)) return toIpv4Network(groups.slice(6));
  const format = (count: number) =>
    groups
      .slice(0, count)
      .map((group) => group.toString(16))
      .join(':');
  return { network: `${format(NETWORK_GROUPS)}::/64`, site: `${format(SITE_GROUPS)}::/48` };
}

/** Takes an IPv4 address as two groups of 16 bits, as an IPv6 address would hold it. */
function toIpv4Network(groups: readonly number[] | undefined): ClientNetworks {
  if (groups === undefined) return UNKNOWN;
  const bytes = groups.flatMap((group) => [group >> 8, group & 0xff]);
  return { network: bytes.join('.'), site: null };
}

/** `::ffff:a.b.c.d` is the IPv4 address that it holds (RFC 4291 section 2.5.5.2). */
function isIpv4Mapped(groups: readonly number[]): boolean {
  return groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
}

function parseIpv4(text: string): readonly number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part))) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = parts.map(Number);
  return Math.max(a, b, c, d) > 0xff ? undefined : [a * 0x100 + b, c * 0x100 + d];
}

/** Returns the eight groups of an address (RFC 4291 section 2.2). */
function parseIpv6(text: string): readonly number[] | undefined {
  const [before = '', after, ...others] = text.split('::');
  const head = parseGroups(before);
  const tail = parseGroups(after ?? '');
  if (head === undefined || tail === undefined || others.length > 0) return undefined;
  const missing = IPV6_GROUPS - head.length - tail.length;
  // A `::` stands for at least one group.
  if (after === undefined ? missing !== 0 : missing < 1) return undefined;
  return [...head, ...Array.from({ length: missing }, () => 0), ...tail];
}

/** The last part may be an IPv4 address, which is two groups. */
function parseGroups(text: string): readonly number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    const parsed =
      index === parts.length - 1 && part.includes('.') ? parseIpv4(part) : parseGroup(part);
    if (parsed === undefined) return undefined;
    groups.push(...parsed);
  }
  return groups;
}

function parseGroup(text: string): readonly number[] | undefined {
  return /^[0-9a-f]{1,4}$/.test(text) ? [Number.parseInt(text, 16)] : undefined;
}
