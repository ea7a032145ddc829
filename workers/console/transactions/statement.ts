/**
 * A signed statement as a file of lines (docs/statements.md). The ledger Worker signs each line when
 * it is read; the file is sent part by part, so memory stays bounded for accounts of any age.
 */
import type { AccountId, AccountsRpc, StatementPeriod } from '@farebox/ledger';
import { fileResponse } from '../format/file-response.ts';

const ISO_MONTH = /^(\d{4})-(0[1-9]|1[0-2])$/;

/** A month of UTC, `2026-11`; the whole life of the account for anything else. */
export function parseStatementPeriod(text: string | undefined): StatementPeriod {
  const [, year, month] = ISO_MONTH.exec(text ?? '') ?? [];
  if (year === undefined || month === undefined) return { since: null, before: null };
  const index = Number(month) - 1;
  return { since: Date.UTC(Number(year), index), before: Date.UTC(Number(year), index + 1) };
}

/**
 * Throws where an entry does not match its hash. The file then ends without its closing line, by
 * which a verifier notices it.
 */
async function* readParts(
  accounts: AccountsRpc,
  account: AccountId,
  period: StatementPeriod,
): AsyncGenerator<string> {
  const { range, unchained } = await accounts.outlineStatement(account, period);
  for (let from: number | null = range?.first ?? 0; from !== null; ) {
    const part = await accounts.readStatement(account, { range, unchained, from });
    if (!part.ok) throw new Error('A statement could not be read whole.');
    yield part.lines.map((line) => `${line}\n`).join('');
    from = part.next;
  }
}

export function statementResponse(
  accounts: AccountsRpc,
  account: AccountId,
  period: StatementPeriod,
): Response {
  const kind = { name: 'farebox-statement.jsonl', contentType: 'application/jsonl' };
  return fileResponse(kind, readParts(accounts, account, period));
}
