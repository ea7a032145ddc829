/**
 * Addresses of mail: which texts are one, and when two are the same. Only whoever reads the mailbox can
 * prove more; nothing here guesses at a provider's rules for dots or plus signs.
 */

/** The HTML standard's own pattern for `input type=email`, so that the browser and we agree. */
const ADDRESS =
  /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+$/;

export type EmailAddress = Readonly<{
  /** As it was written, for sending to: RFC 5321 section 2.4 lets a host tell letter case apart. */
  address: string;
  /** As it is compared: in practice no host does. */
  key: string;
}>;

export function parseEmailAddress(text: string): EmailAddress | undefined {
  const address = text.trim();
  // RFC 5321 section 4.5.3.1.3: a path has 256 octets, two of them angle brackets.
  if (address.length > 254 || !ADDRESS.test(address)) return undefined;
  return { address, key: address.toLowerCase() };
}

/** Enough for its owner to know it by, not enough for anybody else: `a•••@e•••.com`. */
export function maskEmail(address: string): string {
  const [local = '', domain = ''] = address.split('@');
  const lastDot = domain.lastIndexOf('.');
  return `${local.slice(0, 1)}•••@${domain.slice(0, 1)}•••${domain.slice(lastDot)}`;
}
