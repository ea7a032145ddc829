/**
 * Changes of the catalog on their way to a version. Every change is stored as a proposal first;
 * accepting it creates the version in the same statement. A proposal that needs approval is accepted
 * by another operator than its author only, whatever the letter case of their names.
 */
import type { Instant } from '@farebox/ledger';
import { sql } from 'drizzle-orm';
import { type Database, DatabaseError, queryOrThrow, tryQuery } from '../connection/connection.ts';
import { firstRow, toEpochMs, toTimestamp } from '../connection/raw-sql.ts';
import type { CatalogModelStatus } from './catalog-versions.ts';

export type CatalogChanges = Readonly<{
  models: readonly Readonly<{
    provider: string;
    id: string;
    status: CatalogModelStatus;
    /** A listed model as JSON; null unless `status` is `defined`. */
    definition: unknown;
  }>[];
  margins: readonly Readonly<{ scope: string; basis_points: number }>[];
}>;

export type CatalogProposal = Readonly<{
  id: string;
  author: string;
  reason: string;
  /** As it was stored; read it with the validator of the change. */
  changes: unknown;
  needsApproval: boolean;
  baseVersion: number;
  effectiveAt: Instant | null;
  state: 'proposed' | 'accepted' | 'rejected';
  proposedAt: Instant;
  decidedBy: string | null;
  version: number | null;
}>;

export type NewCatalogProposal = Readonly<{
  id: string;
  author: string;
  reason: string;
  changes: CatalogChanges;
  needsApproval: boolean;
  baseVersion: number;
  effectiveAt: Instant | null;
  now: Instant;
}>;

type Raw = Readonly<Record<string, unknown>>;

const COLUMNS = sql`id, author, reason, changes, needs_approval, base_version,
  ${toEpochMs(sql`effective_at`)} as effective_at, state,
  ${toEpochMs(sql`proposed_at`)} as proposed_at, decided_by, version`;

function parseState(text: unknown): CatalogProposal['state'] {
  return text === 'proposed' || text === 'accepted' ? text : 'rejected';
}

function toProposal(row: Raw): CatalogProposal {
  return {
    id: String(row.id),
    author: String(row.author),
    reason: String(row.reason),
    changes: row.changes,
    needsApproval: row.needs_approval === true,
    baseVersion: Number(row.base_version),
    effectiveAt: row.effective_at === null ? null : Number(row.effective_at),
    state: parseState(row.state),
    proposedAt: Number(row.proposed_at),
    decidedBy: row.decided_by === null ? null : String(row.decided_by),
    version: row.version === null ? null : Number(row.version),
  };
}

export async function findCatalogProposal(
  db: Database,
  id: string,
): Promise<CatalogProposal | undefined> {
  const row = await firstRow(db, sql`select ${COLUMNS} from catalog_proposals where id = ${id}`);
  return row === undefined ? undefined : toProposal(row);
}

/** Lists the proposals that wait for a second operator, oldest first. */
export async function listOpenCatalogProposals(
  db: Database,
  limit: number,
): Promise<readonly CatalogProposal[]> {
  const { rows } = await queryOrThrow(
    db.execute<Raw>(sql`select ${COLUMNS} from catalog_proposals where state = 'proposed'
      order by proposed_at limit ${limit}`),
  );
  return rows.map(toProposal);
}

/** Stores a proposal. Idempotent by its id; `conflict` if the id belongs to another proposal. */
export async function insertCatalogProposal(
  db: Database,
  proposal: NewCatalogProposal,
): Promise<
  Readonly<{ ok: true; proposal: CatalogProposal }> | Readonly<{ ok: false; reason: 'conflict' }>
> {
  const { id, author, reason, needsApproval, baseVersion, effectiveAt, now } = proposal;
  const changes = JSON.stringify(proposal.changes);
  const row = await firstRow(
    db,
    sql`with inserted as (
        insert into catalog_proposals
          (id, author, reason, changes, needs_approval, base_version, effective_at, state, proposed_at)
        values (${id}, ${author}, ${reason}, ${changes}::jsonb, ${needsApproval}, ${baseVersion},
          ${effectiveAt === null ? sql`null` : toTimestamp(effectiveAt)}, 'proposed', ${toTimestamp(now)})
        on conflict (id) do nothing
        returning id, author, reason, changes
      )
      select (author, reason, changes) = (${author}, ${reason}, ${changes}::jsonb) as same
      from (select id, author, reason, changes from inserted
        union all select id, author, reason, changes from catalog_proposals where id = ${id}) p limit 1`,
  );
  const stored = row?.same === true ? await findCatalogProposal(db, id) : undefined;
  return stored === undefined ? { ok: false, reason: 'conflict' } : { ok: true, proposal: stored };
}

export type AcceptResult =
  | Readonly<{ ok: true; version: number }>
  /** `stale`: another version was accepted since the caller read the catalog; read it again. */
  | Readonly<{ ok: false; reason: 'not_found' | 'own_proposal' | 'already_decided' | 'stale' }>;

export type AcceptRequest = Readonly<{
  id: string;
  by: string;
  /** The newest version that the caller validated the change against. */
  latestVersion: number;
  now: Instant;
}>;

function buildAcceptStatement({ id, by, latestVersion, now }: AcceptRequest) {
  const at = toTimestamp(now);
  return sql`
    with latest as (select coalesce(max(version), 0) as version from catalog_versions),
    accepted as (
      update catalog_proposals p set state = 'accepted', decided_by = ${by}, decided_at = ${at},
        version = latest.version + 1
      from latest
      where p.id = ${id} and p.state = 'proposed' and latest.version = ${latestVersion}
        and (not p.needs_approval or lower(p.author) <> ${by.toLowerCase()})
      returning p.*
    ), versions as (
      insert into catalog_versions (version, author, reason, approved_by, created_at, effective_at)
      select version, author, reason, case when needs_approval then ${by} end, ${at},
        greatest(coalesce(effective_at, ${at}), ${at}) from accepted
    ), models as (
      insert into catalog_models (version, provider, id, status, definition)
      select a.version, m.provider, m.id, m.status, m.definition from accepted a,
        jsonb_to_recordset(a.changes -> 'models')
          as m(provider text, id text, status text, definition jsonb)
    ), margins as (
      insert into catalog_margins (version, scope, basis_points)
      select a.version, m.scope, m.basis_points from accepted a,
        jsonb_to_recordset(a.changes -> 'margins') as m(scope text, basis_points int)
    )
    select version from accepted`;
}

/** Accepts a proposal and creates its version, in one statement. */
export async function acceptCatalogProposal(
  db: Database,
  request: AcceptRequest,
): Promise<AcceptResult> {
  const result = await tryQuery(db.execute<Raw>(buildAcceptStatement(request)));
  // A concurrent statement took the version's number (SQLSTATE 23505, unique_violation).
  const isRace = !result.ok && result.error.kind === 'refused' && result.error.sqlState === '23505';
  if (isRace) return { ok: false, reason: 'stale' };
  if (!result.ok) throw new DatabaseError(result.error);
  const [row] = result.value.rows;
  if (row !== undefined) return { ok: true, version: Number(row.version) };
  return { ok: false, reason: await explainRefusal(db, request) };
}

async function explainRefusal(
  db: Database,
  { id, by }: AcceptRequest,
): Promise<Extract<AcceptResult, { ok: false }>['reason']> {
  const proposal = await findCatalogProposal(db, id);
  if (proposal === undefined) return 'not_found';
  if (proposal.state !== 'proposed') return 'already_decided';
  const isOwn = proposal.author.toLowerCase() === by.toLowerCase();
  return proposal.needsApproval && isOwn ? 'own_proposal' : 'stale';
}

/** Rejects a proposal; its author may withdraw it so. */
export async function rejectCatalogProposal(
  db: Database,
  { id, by, now }: Readonly<{ id: string; by: string; now: Instant }>,
): Promise<
  Readonly<{ ok: true }> | Readonly<{ ok: false; reason: 'not_found' | 'already_decided' }>
> {
  const row = await firstRow(
    db,
    sql`update catalog_proposals set state = 'rejected', decided_by = ${by},
      decided_at = ${toTimestamp(now)} where id = ${id} and state = 'proposed' returning id`,
  );
  if (row !== undefined) return { ok: true };
  const isKnown = (await findCatalogProposal(db, id)) !== undefined;
  return { ok: false, reason: isKnown ? 'already_decided' : 'not_found' };
}
