/** What a price depends on beside the usage and the time: the terms on which a call is served. */

/** The tiers of service that a request may ask for and an answer may name. */
export const SERVICE_TIERS = ['standard', 'flex', 'priority', 'ultrafast'] as const;
export type ServiceTier = (typeof SERVICE_TIERS)[number];

export const SPEEDS = ['standard', 'fast'] as const;
export type Speed = (typeof SPEEDS)[number];

/** Where inference may be kept; `global` is everywhere. */
export const REGIONS = ['global', 'us', 'eu'] as const;
export type Region = (typeof REGIONS)[number];

export type ServiceTerms = Readonly<{ tier: ServiceTier; speed: Speed; region: Region }>;

export const STANDARD_TERMS: ServiceTerms = {
  tier: 'standard',
  speed: 'standard',
  region: 'global',
};
