/** Which addresses count as one network: every spelling of an address, and every address of a line. */
import { describe, expect, it } from 'vitest';
import { toClientNetworks } from './client-networks.ts';

const V6 = { network: '2001:db8:1:2::/64', site: '2001:db8:1::/48' };
const V4 = { network: '192.0.2.1', site: null };
const UNKNOWN = { network: 'unknown', site: null };

describe('toClientNetworks', () => {
  it.each([
    '2001:db8:1:2::1',
    '2001:db8:1:2::ffff',
    '2001:db8:1:2:a:b:c:d',
    '2001:DB8:1:2::1',
    '2001:0db8:0001:0002:0000:0000:0000:0001',
    '2001:db8:1:2:0:0:0:1',
    '2001:db8:1:2::1%eth0',
    '2001:db8:1:2::192.0.2.1',
    ' 2001:db8:1:2:: ',
  ])('takes %s as the same /64 and /48', (address) => {
    expect(toClientNetworks(address)).toEqual(V6);
  });

  it.each([
    '192.0.2.1',
    '::ffff:192.0.2.1',
    '::FFFF:192.0.2.1',
    '::ffff:c000:201',
    '0:0:0:0:0:ffff:c000:0201',
    '0000:0000:0000:0000:0000:ffff:192.0.2.1',
  ])('takes %s as the same IPv4 address', (address) => {
    expect(toClientNetworks(address)).toEqual(V4);
  });

  it('separates the networks of a site, and the sites', () => {
    expect(toClientNetworks('2001:db8:1:3::1')).toEqual({ ...V6, network: '2001:db8:1:3::/64' });
    expect(toClientNetworks('2001:db8:2:2::1').site).toBe('2001:db8:2::/48');
    expect(toClientNetworks('::1')).toEqual({ network: '0:0:0:0::/64', site: '0:0:0::/48' });
  });

  it.each([
    '',
    'local',
    '2001:db8',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '1:2:3:4:5:6:7:8::',
    '12345::1',
    'g::1',
    ':::1',
    '192.0.2',
    '192.0.2.256',
    '192.0.2.1.5',
    '::ffff:192.0.2.300',
  ])('counts %j, which is no address, in one shared network', (text) => {
    expect(toClientNetworks(text)).toEqual(UNKNOWN);
  });

  it('gives one /64 to a thousand random addresses of it, in any spelling', () => {
    let seed = 12;
    const group = () => {
      seed = (seed * 48271) % 0x7fffffff;
      return (seed & 0xffff).toString(16);
    };
    for (let count = 0; count < 1_000; count += 1) {
      const host = [group(), group(), group(), group()].map((text, index) =>
        (count + index) % 2 === 0 ? text.padStart(4, '0') : text.toUpperCase(),
      );
      expect(toClientNetworks(`2001:DB8:1:2:${host.join(':')}`)).toEqual(V6);
    }
  });
});
