/** What a form says about a typed number that can be read as two. */
import type { Messages } from '@farebox/i18n';
import { parseTypedUsd } from '@farebox/money';

/** Returns what to write instead; undefined where the text is not ambiguous. */
export function describeAmbiguity(text: string, messages: Messages): string | undefined {
  const typed = parseTypedUsd(text);
  if (typed.ok || typed.reason !== 'ambiguous') return undefined;
  return messages.layout.ambiguousNumber(...typed.readings);
}
