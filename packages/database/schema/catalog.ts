/**
 * The tables of the catalog as operators change it: what differs from the price list of the release,
 * version by version. Versions are contiguous from 1; a trigger refuses to change or delete one, so
 * that a bill's version can always be read again (docs/decisions/0025-catalog-in-postgres.md). May
 * import only drizzle and its siblings.
 */
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  varchar,
} from 'drizzle-orm/pg-core';
import { instant } from './accounts.ts';

const operator = (name: string) => varchar(name, { length: 254 });

/** One accepted change. Each version refers to the previous one, so that none can be missing. */
export const catalogVersions = pgTable(
  'catalog_versions',
  {
    version: integer('version').primaryKey(),
    author: operator('author').notNull(),
    reason: varchar('reason', { length: 255 }).notNull(),
    /** The second operator; null where the change needed none. */
    approvedBy: operator('approved_by'),
    createdAt: instant('created_at').notNull(),
    effectiveAt: instant('effective_at').notNull(),
    previousVersion: integer('previous_version').generatedAlwaysAs(sql`nullif(version - 1, 0)`),
  },
  (t) => [
    foreignKey({
      name: 'catalog_versions_predecessor',
      columns: [t.previousVersion],
      foreignColumns: [t.version],
    }),
    check('catalog_versions_first', sql`${t.version} >= 1`),
    check('catalog_versions_effective', sql`${t.effectiveAt} >= ${t.createdAt}`),
    check('catalog_versions_second', sql`lower(${t.approvedBy}) <> lower(${t.author})`),
    index('catalog_versions_effective_at').on(t.effectiveAt, t.version),
  ],
);

export const CATALOG_MODEL_STATUSES = [
  /** The definition of this version holds. */
  'defined',
  /** The model can't be called any more, whatever the price list of the release says. */
  'withdrawn',
  /** What the price list of the release says holds again. */
  'released',
] as const;
const MODEL_STATUSES_SQL = CATALOG_MODEL_STATUSES.map((status) => `'${status}'`).join(', ');

/** A model as one version has it. */
export const catalogModels = pgTable(
  'catalog_models',
  {
    version: integer('version')
      .notNull()
      .references(() => catalogVersions.version),
    provider: varchar('provider', { length: 64 }).notNull(),
    id: varchar('id', { length: 160 }).notNull(),
    status: varchar('status', { length: 16 }).notNull(),
    /** A `ListedModel` of packages/catalog. */
    definition: jsonb('definition'),
  },
  (t) => [
    primaryKey({ columns: [t.version, t.provider, t.id] }),
    check('catalog_models_names', sql`${t.provider} ~ '^[!-~]+$' and ${t.id} ~ '^[!-~]+$'`),
    check('catalog_models_status', sql.raw(`status in (${MODEL_STATUSES_SQL})`)),
    check('catalog_models_defined', sql`(${t.status} = 'defined') = (${t.definition} is not null)`),
    index('catalog_models_model').on(t.provider, t.id, t.version),
  ],
);

/** A margin as one version sets it, in hundredths of a percent; 0 removes it. */
export const catalogMargins = pgTable(
  'catalog_margins',
  {
    version: integer('version')
      .notNull()
      .references(() => catalogVersions.version),
    /** `top_ups`, `all`, a provider, or `provider/model`. */
    scope: varchar('scope', { length: 225 }).notNull(),
    basisPoints: integer('basis_points').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.version, t.scope] }),
    check('catalog_margins_scope', sql`${t.scope} ~ '^[!-~]+$'`),
    check('catalog_margins_range', sql`${t.basisPoints} between 0 and 10000`),
  ],
);

/** Changes that operators propose; those that move a price far wait for a second operator. */
export const catalogProposals = pgTable(
  'catalog_proposals',
  {
    id: varchar('id', { length: 32 }).primaryKey(),
    author: operator('author').notNull(),
    reason: varchar('reason', { length: 255 }).notNull(),
    /** `{models: [{provider, id, status, definition}], margins: [{scope, basis_points}]}` */
    changes: jsonb('changes').notNull(),
    needsApproval: boolean('needs_approval').notNull(),
    /** The newest version when the change was made: it may not replace one that came after. */
    baseVersion: integer('base_version').notNull(),
    /** When it is to take effect; null as soon as it is accepted. */
    effectiveAt: instant('effective_at'),
    state: varchar('state', { length: 16 }).notNull(),
    proposedAt: instant('proposed_at').notNull(),
    decidedBy: operator('decided_by'),
    decidedAt: instant('decided_at'),
    /** The version that it became. */
    version: integer('version').references(() => catalogVersions.version),
  },
  (t) => [
    check('catalog_proposals_id', sql`${t.id} ~ '^[0-9a-f]{32}$'`),
    check('catalog_proposals_state', sql`${t.state} in ('proposed', 'accepted', 'rejected')`),
    check('catalog_proposals_decided', sql`(${t.state} = 'proposed') = (${t.decidedBy} is null)`),
    check('catalog_proposals_version', sql`(${t.state} = 'accepted') = (${t.version} is not null)`),
    check(
      'catalog_proposals_second',
      sql`${t.state} <> 'accepted' or not ${t.needsApproval} or lower(${t.decidedBy}) <> lower(${t.author})`,
    ),
    index('catalog_proposals_open').on(t.proposedAt).where(sql`state = 'proposed'`),
  ],
);

/** The price list of each release that was deployed, so that bills that name it can be recomputed. */
export const catalogReleases = pgTable('catalog_releases', {
  version: varchar('version', { length: 64 }).primaryKey(),
  list: jsonb('list').notNull(),
  storedAt: instant('stored_at').notNull(),
});

/** The recomputation of one day's bills, which runs in slices until it is complete. */
export const parityReports = pgTable(
  'parity_reports',
  {
    /** Whole days since 1970-01-01, UTC. */
    day: integer('day').primaryKey(),
    /** The last call that was recomputed: where the next run continues. */
    lastAt: instant('last_at'),
    lastCall: varchar('last_call', { length: 32 }),
    completedAt: instant('completed_at'),
    calls: bigint('calls', { mode: 'number' }).notNull(),
    /** Calls whose rule, prices or cost are not what the version that they name gives. */
    differing: bigint('differing', { mode: 'number' }).notNull(),
    /** Calls without a rule, such as those that were never sent. */
    skipped: bigint('skipped', { mode: 'number' }).notNull(),
    /** The first of the differing calls. */
    examples: varchar('examples', { length: 32 }).array().notNull(),
    /** The price list of the release on that day, and the date of its sources. */
    listVersion: varchar('list_version', { length: 64 }).notNull(),
    listDate: varchar('list_date', { length: 10 }).notNull(),
    /** How many models of the list in effect have prices that are disputed, or of old sources. */
    disputed: integer('disputed').notNull(),
    stale: integer('stale').notNull().default(0),
    /** How many prices in effect are not those of the release's sources, and the first of them. */
    differingPrices: integer('differing_prices').notNull().default(0),
    /** How many of them no operator had acknowledged when the report was made. */
    newPrices: integer('new_prices').notNull().default(0),
    priceDifferences: jsonb('price_differences').notNull().default([]),
    /** What each provider said that it charged, beside what its prices give. */
    providerCosts: jsonb('provider_costs').notNull().default([]),
  },
  (t) => [
    check(
      'parity_reports_counts',
      sql`least(${t.calls}, ${t.differing}, ${t.skipped}, ${t.disputed}) >= 0 and cardinality(${t.examples}) <= 50`,
    ),
    check(
      'parity_reports_prices',
      sql`least(${t.stale}, ${t.differingPrices}, ${t.newPrices}) >= 0 and jsonb_array_length(${t.priceDifferences}) <= 50 and jsonb_typeof(${t.providerCosts}) = 'array'`,
    ),
  ],
);

/**
 * Differences between a price in effect and the sources that an operator knows of and keeps. They
 * alert no more until one of their sides changes.
 */
export const priceAcknowledgements = pgTable(
  'price_acknowledgements',
  {
    /** SHA-256 of model, rule, field and both sides, in hexadecimal. */
    difference: varchar('difference', { length: 64 }).primaryKey(),
    /** `provider/id` */
    model: varchar('model', { length: 225 }).notNull(),
    operator: operator('operator').notNull(),
    reason: varchar('reason', { length: 255 }).notNull(),
    acknowledgedAt: instant('acknowledged_at').notNull(),
  },
  (t) => [check('price_acknowledgements_id', sql`${t.difference} ~ '^[0-9a-f]{64}$'`)],
);
