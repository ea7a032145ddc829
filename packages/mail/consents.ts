/** Which consents hold, of the choices that a user made about a kind of email and about its group. */
import { CONSENT_GROUP, CONSENT_KINDS, type ConsentGroup, type ConsentKind } from './contract.ts';

/** A recorded choice. `kind` is a ConsentKind; `since` is in milliseconds. */
type Choice = Readonly<{ kind: string; given: boolean; since: number }>;

/** The consent where the user never chose. */
const DEFAULT_CONSENT: Readonly<Record<ConsentGroup, boolean>> = { balance: true, keys: true };

/**
 * Of the choice about the kind itself and the one about its group the later holds, so that neither a
 * withdrawal nor an unsubscribe link is undone by an older choice. At one moment the withdrawal holds.
 */
export function findChoice<C extends Choice>(
  kind: ConsentKind,
  choices: readonly C[],
): C | undefined {
  return choices
    .filter((choice) => choice.kind === kind || choice.kind === CONSENT_GROUP[kind])
    .toSorted((a, b) => b.since - a.since || Number(a.given) - Number(b.given))[0];
}

export function isConsentGiven(kind: ConsentKind, choices: readonly Choice[]): boolean {
  return findChoice(kind, choices)?.given ?? DEFAULT_CONSENT[CONSENT_GROUP[kind]];
}

/** Lists the kinds of a group that have a consent of their own beside it. */
export function listKindsInGroup(group: ConsentGroup): readonly ConsentKind[] {
  return CONSENT_KINDS.filter((kind) => kind !== group && CONSENT_GROUP[kind] === group);
}
