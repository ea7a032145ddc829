/**
 * Email addresses: parsing, comparison and masking. Syntax is all that is checked here; a
 * confirmation email proves the rest. No provider's rules for dots or plus signs are assumed.
 */

/** The pattern the HTML standard gives for `input type=email`, so that browser and server agree. */
const ADDRESS =
  /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+$/;

export type EmailAddress = Readonly<{
  /**
   * The address as typed, for sending: RFC 5321 section 2.4 lets a host distinguish letter case.
   */
  address: string;
  /** The lower-case address, for comparing: in practice no host distinguishes letter case. */
  key: string;
}>;

/** Returns undefined for text that is no address. */
export function parseEmailAddress(text: string): EmailAddress | undefined {
  const address = text.trim();
  // RFC 5321 section 4.5.3.1.3: a path has 256 octets, two of them angle brackets.
  if (address.length > 254 || !ADDRESS.test(address)) return undefined;
  return { address, key: address.toLowerCase() };
}

/**
 * Returns what addresses that probably reach one mailbox have in common: without a tag after `+`
 * (RFC 5233) and without dots, which large providers ignore. For limits on what a mailbox receives,
 * where two users who share the limit lose little; never for telling accounts apart.
 */
export function toMailboxKey(emailKey: string): string {
  const at = emailKey.lastIndexOf('@');
  const [name = ''] = emailKey.slice(0, at).split('+');
  return `${name.replaceAll('.', '')}${emailKey.slice(at)}`;
}

const MASK = '•••';

/**
 * Masks an address so that its owner recognizes it and nobody else can use it: `a•••@e•••.com`. The
 * mask has a fixed length, so it doesn't reveal how long the names are.
 */
export function maskEmail(address: string): string {
  const at = address.lastIndexOf('@');
  if (at < 1) return MASK;
  const domain = address.slice(at + 1);
  const lastDot = domain.lastIndexOf('.');
  const suffix = lastDot < 0 ? '' : domain.slice(lastDot);
  return `${firstCharacter(address)}${MASK}@${firstCharacter(domain)}${MASK}${suffix}`;
}

function firstCharacter(text: string): string {
  return Array.from(text)[0] ?? '';
}
