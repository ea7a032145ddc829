/**
 * The versions of the legal texts of the public site. A version that has `announcedOn` is announced
 * by email to every account that existed on that day. The first versions are not: every account
 * was created under them. workers/site/legal.test.ts compares the texts with this list.
 */

export const LEGAL_DOCUMENTS = ['privacy', 'terms', 'refunds'] as const;
/** The last segment of the page's path on the site. */
export type LegalDocument = (typeof LEGAL_DOCUMENTS)[number];

/** Days are `2026-11-26`, UTC. */
export type LegalVersion = Readonly<{
  document: LegalDocument;
  version: number;
  effectiveFrom: string;
  /** The first day of the announcement, before `effectiveFrom`; null if there is none. */
  announcedOn: string | null;
}>;

/** By document, in the order of their numbers. A version that was published stays here. */
export const LEGAL_VERSIONS: readonly LegalVersion[] = [
  { document: 'privacy', version: 1, effectiveFrom: '2026-11-26', announcedOn: null },
  { document: 'privacy', version: 2, effectiveFrom: '2026-12-12', announcedOn: '2026-11-28' },
  { document: 'terms', version: 1, effectiveFrom: '2026-11-26', announcedOn: null },
  { document: 'refunds', version: 1, effectiveFrom: '2026-11-27', announcedOn: null },
  { document: 'refunds', version: 2, effectiveFrom: '2026-12-12', announcedOn: '2026-11-28' },
];
