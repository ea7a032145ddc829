/**
 * An address as it is shown to who need not know it: the first letter of the name and of the host, and the
 * host's last part; as many dots whatever was there, so that the length says nothing either.
 */
const MASK = '•••';

export function maskEmail(email: string): string {
  const at = email.lastIndexOf('@');
  if (at < 1) return MASK;
  const first = (text: string): string => Array.from(text)[0] ?? '';
  const host = email.slice(at + 1);
  const dot = host.lastIndexOf('.');
  const ending = dot < 0 ? '' : host.slice(dot);
  return `${first(email)}${MASK}@${first(host)}${MASK}${ending}`;
}
