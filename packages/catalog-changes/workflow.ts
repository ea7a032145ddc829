/**
 * The way of a change into effect: validate, compare, propose, accept. A change that moves a price
 * by more than the set share needs a second operator. The catalog is read again at each step, and
 * the statement that accepts a change fails if another version came in between.
 */
import {
  applyOverlay,
  findInvalidVersions,
  type ParsedOverlay,
  type PriceList,
  type Problem,
  parseOverlay,
} from '@farebox/catalog';
import type { Database } from '@farebox/database';
import {
  acceptCatalogProposal,
  type CatalogProposal,
  findCatalogProposal,
  insertCatalogProposal,
  readCatalog,
  readValidCatalog,
} from '@farebox/database/catalog';
import { DAY_MS, type Instant } from '@farebox/ledger';
import { err, ok, type Result } from '@farebox/result';
import { type CatalogChange, parseChange, toStoredChanges } from './catalog-change.ts';
import { comparePrices, type MoveLimit, type PriceMove } from './price-moves.ts';

/** The price list of the release, the database, and how far one operator may move a price. */
export type ChangeDeps = Readonly<{ db: Database; released: PriceList; limit: MoveLimit }>;

export type PreparedChange = Readonly<{
  change: CatalogChange;
  effectiveAt: Instant | null;
  /** The newest version that the change was compared with. */
  latestVersion: number;
  moves: readonly PriceMove[];
  needsApproval: boolean;
  /** Versions that take effect after this change and replace it for the same model or margin. */
  replacedBy: readonly Readonly<{ version: number; effectiveAt: Instant; name: string }>[];
}>;

export type InvalidChange = Readonly<{ reason: 'invalid_change'; problems: readonly Problem[] }>;
type PrepareResult = Result<{ prepared: PreparedChange }, InvalidChange>;

const MAX_ATTEMPTS = 5;
const NOTHING: ParsedOverlay = { latestVersion: 0, versions: [], models: [], margins: [] };

/** Reads the catalog from `since` on, without versions that don't validate. */
async function readOverlay(
  { db, released }: Pick<ChangeDeps, 'db' | 'released'>,
  since: Instant,
): Promise<ParsedOverlay> {
  const { rows } = await readValidCatalog(
    (refused) => readCatalog(db, since, refused),
    (found) => findInvalidVersions(released, found),
  );
  const parsed = parseOverlay(released, rows);
  return parsed.ok ? parsed.overlay : { ...NOTHING, latestVersion: rows.latestVersion };
}

/** The price list in effect at `now`. */
export async function readListInEffect(
  deps: Pick<ChangeDeps, 'db' | 'released'>,
  now: Instant,
): Promise<PriceList> {
  return applyOverlay(deps.released, await readOverlay(deps, now), now).list;
}

/** The overlay with the change as its newest version. */
function withChange(
  overlay: ParsedOverlay,
  change: CatalogChange,
  effectiveAt: Instant,
): ParsedOverlay {
  const version = overlay.latestVersion + 1;
  const effect = { version, effectiveAt };
  return {
    latestVersion: version,
    versions: [...overlay.versions, effect],
    models: [
      ...overlay.models,
      ...change.models.map((model) => ({
        ...effect,
        provider: model.provider,
        id: model.id,
        model: toOverlayModel(model),
      })),
    ],
    margins: [...overlay.margins, ...change.margins.map((margin) => ({ ...effect, ...margin }))],
  };
}

function toOverlayModel(
  model: CatalogChange['models'][number],
): ParsedOverlay['models'][number]['model'] {
  if (model.status === 'defined') return model.model;
  return model.status === 'released' ? 'released' : null;
}

/**
 * Compares with the list that the change replaces, and with the list of a day before, so that the
 * limit can't be avoided in small steps.
 */
function compareWithBoth(
  deps: ChangeDeps,
  change: CatalogChange,
  overlay: ParsedOverlay,
  moment: Instant,
): Readonly<{ moves: readonly PriceMove[]; needsApproval: boolean }> {
  const { released, limit } = deps;
  const after = applyOverlay(released, withChange(overlay, change, moment), moment).list;
  const replaced = applyOverlay(released, overlay, moment).list;
  const dayBefore = applyOverlay(released, overlay, moment - DAY_MS).list;
  const moves = comparePrices(change, replaced, after, limit);
  const sinceYesterday = comparePrices(change, dayBefore, after, limit);
  const needsApproval = [...moves, ...sinceYesterday].some((move) => move.needsApproval);
  return { moves, needsApproval };
}

function findReplacements(
  overlay: ParsedOverlay,
  change: CatalogChange,
  moment: Instant,
): PreparedChange['replacedBy'] {
  const names = new Set([
    ...change.models.map(({ provider, id }) => `${provider}/${id}`),
    ...change.margins.map(({ scope }) => `margin ${scope}`),
  ]);
  const later = [
    ...overlay.models.map((row) => ({ ...row, name: `${row.provider}/${row.id}` })),
    ...overlay.margins.map((row) => ({ ...row, name: `margin ${row.scope}` })),
  ].filter(({ effectiveAt, name }) => effectiveAt > moment && names.has(name));
  return later.map(({ version, effectiveAt, name }) => ({ version, effectiveAt, name }));
}

/** Validates a change against the catalog and compares every price. Writes nothing. */
export async function prepareChange(
  deps: ChangeDeps,
  input: Readonly<{ change: unknown; effectiveAt: Instant | null; now: Instant }>,
): Promise<PrepareResult> {
  const { effectiveAt, now } = input;
  const today = new Date(now).toISOString().slice(0, 10);
  const parsed = parseChange(deps.released, input.change, today);
  if (!parsed.ok) return parsed;
  const { change } = parsed;
  const moment = Math.max(now, effectiveAt ?? now);
  const overlay = await readOverlay(deps, now - DAY_MS);
  const compared = compareWithBoth(deps, change, overlay, moment);
  const replacedBy = findReplacements(overlay, change, moment);
  const { latestVersion } = overlay;
  return ok({ prepared: { change, effectiveAt, latestVersion, replacedBy, ...compared } });
}

export type SubmitResult = Result<
  /** `version` is null unless the change was accepted. */
  Readonly<{ state: 'waiting' | 'accepted' | 'rejected'; version: number | null }>,
  InvalidChange | 'conflict' | 'not_found' | 'own_proposal' | 'already_decided' | 'stale'
>;

function reached(state: 'waiting' | 'accepted' | 'rejected', version: number | null): SubmitResult {
  return ok({ state, version });
}

/** The state of a stored change; undefined if it can be accepted by its author. */
function reachedState(proposal: CatalogProposal): SubmitResult | undefined {
  const { state, version, needsApproval } = proposal;
  if (state !== 'proposed') return reached(state, version);
  return needsApproval ? reached('waiting', null) : undefined;
}

/**
 * Stores a change under an id of the caller's, and accepts it at once unless it needs a second
 * operator. Repeating it with the same id gives the state that it has reached.
 */
export async function submitChange(
  deps: ChangeDeps,
  request: Readonly<{
    id: string;
    author: string;
    reason: string;
    change: unknown;
    effectiveAt: Instant | null;
    now: Instant;
  }>,
): Promise<SubmitResult> {
  const { id, author, reason, effectiveAt, now } = request;
  const result = await prepareChange(deps, request);
  if (!result.ok) return result;
  const { change, needsApproval, latestVersion } = result.prepared;
  const inserted = await insertCatalogProposal(deps.db, {
    id,
    author,
    reason,
    changes: toStoredChanges(change),
    needsApproval,
    baseVersion: latestVersion,
    effectiveAt,
    now,
  });
  if (!inserted.ok) return inserted;
  const { proposal } = inserted;
  return reachedState(proposal) ?? acceptChange(deps, { id, by: author, now });
}

/** Names of models and margins that versions after the proposal's base changed too. */
async function isOutdated(
  deps: ChangeDeps,
  proposal: CatalogProposal,
  change: CatalogChange,
): Promise<boolean> {
  const rows = await readCatalog(deps.db, proposal.proposedAt);
  const newer = [
    ...rows.models.map((row) => ({ ...row, name: `${row.provider}/${row.id}` })),
    ...rows.margins.map((row) => ({ ...row, name: row.scope })),
  ].filter(({ version }) => version > proposal.baseVersion);
  const names = new Set([
    ...change.models.map(({ provider, id }) => `${provider}/${id}`),
    ...change.margins.map(({ scope }) => scope),
  ]);
  return newer.some(({ name }) => names.has(name));
}

/**
 * Accepts a stored change: validated again, against the catalog of now. `stale` if a version since
 * the proposal changed the same model or margin, so that nobody approves what was not shown.
 */
export async function acceptChange(
  deps: ChangeDeps,
  { id, by, now }: Readonly<{ id: string; by: string; now: Instant }>,
): Promise<SubmitResult> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const proposal = await findCatalogProposal(deps.db, id);
    if (proposal === undefined) return err('not_found');
    const { changes, effectiveAt } = proposal;
    const result = await prepareChange(deps, { change: changes, effectiveAt, now });
    if (!result.ok) return result;
    const { change, latestVersion, needsApproval } = result.prepared;
    if (await isOutdated(deps, proposal, change)) return err('stale');
    // Another change meanwhile made this one a large one.
    if (needsApproval && !proposal.needsApproval) return err('stale');
    const accepted = await acceptCatalogProposal(deps.db, { id, by, latestVersion, now });
    if (accepted.ok) return reached('accepted', accepted.version);
    if (accepted.reason !== 'stale') return err(accepted.reason);
  }
  return err('stale');
}
