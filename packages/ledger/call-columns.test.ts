import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { NO_USAGE } from '@farebox/money';
import { describe, expect, it } from 'vitest';
import {
  CALL_COLUMNS,
  CALL_FIELDS,
  type CallFields,
  callFromCells,
  callToCells,
  NOT_REPORTED,
  nullable,
  type ReportField,
  reportFromJson,
  reportToJson,
} from './call-columns.ts';
import type { CallMetadata } from './contract/index.ts';

const CALL: CallMetadata = {
  id: '1'.repeat(32),
  createdAt: 1,
  settledAt: 2,
  keyId: 7,
  model: 'openai/gpt',
  provider: 'openai',
  dialect: 'chat',
  stream: true,
  httpStatus: 200,
  status: 'settled',
  reason: 'provider_reported',
  usage: { ...NO_USAGE, output: 5 },
  prices: {
    input_uncached: 2n ** 60n,
    cache_read: 1n,
    cache_write_5m: 2n,
    cache_write_30m: 2n,
    cache_write_1h: 3n,
    cache_write_12h: 3n,
    output: 4n,
  },
  priceRule: '2026-11-23/standard',
  providerCost: 21n,
  marginBasisPoints: 250,
  firstTokenMs: 320,
  totalMs: 1_900,
  fees: [{ kind: 'web_search', count: 2, nano_usd_per_million: 10n }],
  charged: 20n,
  shortfall: 0n,
};

function readBack(call: CallMetadata): CallMetadata {
  const cells = callToCells(call);
  const names = CALL_COLUMNS.map(({ name }) => name);
  return callFromCells(({ name }) => cells[names.indexOf(name)] ?? null);
}

const ROOT = join(import.meta.dirname, '../..');

/** The folders that write, read or export a call's metadata. */
const FOLDERS = [
  'packages/ledger',
  'packages/database/ledger',
  'packages/database/statements',
  'workers/console/calls',
];

/** The migration steps keep the statements that were run, so they name columns too. */
function listSources(): string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder)).map((name) => join(folder, name)),
  )
    .filter((path) => /\.tsx?$/.test(path) && !/\.test\.|workerd/.test(path))
    .filter((path) => !['tables.ts', 'call-columns.ts'].includes(basename(path)));
}

describe('the columns of a call', () => {
  it('read back what they wrote, with a report and without', () => {
    expect(readBack(CALL)).toEqual(CALL);
    const open = { ...CALL, ...NOT_REPORTED, reason: null, settledAt: null };
    expect(open).toMatchObject({ httpStatus: null, usage: null, prices: null, fees: [] });
    expect(readBack(open)).toEqual(open);
  });

  it('have names of their own', () => {
    expect(new Set(CALL_COLUMNS.map(({ name }) => name)).size).toBe(CALL_COLUMNS.length);
  });

  it('do not compile without a line for each property', () => {
    const { httpStatus: _, ...incomplete } = CALL_FIELDS;
    // @ts-expect-error: a property of CallMetadata has no column.
    const table: CallFields = incomplete;
    expect(table).not.toHaveProperty('httpStatus');
  });

  it('do not compile as known to another source than their type says', () => {
    // @ts-expect-error: the report brings the status, not the hold.
    const table: CallFields = { ...CALL_FIELDS, httpStatus: CALL_FIELDS.keyId };
    expect(table.httpStatus).toBeDefined();
  });

  it('refuse a cell of another type', () => {
    const cells = callToCells(CALL);
    for (const [wrong, column] of CALL_COLUMNS.entries()) {
      const cell = column.type === 'boolean' ? 'yes' : false;
      const cellFor = ({ name }: Readonly<{ name: string }>) => {
        const index = CALL_COLUMNS.findIndex((candidate) => candidate.name === name);
        return index === wrong ? cell : (cells[index] ?? null);
      };
      expect(() => callFromCells(cellFor), column.name).toThrow('malformed value');
    }
  });

  it('carry a report through JSON, and refuse one without a property', () => {
    const report = { ...CALL, httpStatus: 200, usage: NO_USAGE, prices: CALL.prices ?? fail() };
    const json: object = JSON.parse(JSON.stringify(reportToJson(report)));
    expect(reportFromJson(json)).toEqual({
      httpStatus: 200,
      usage: NO_USAGE,
      prices: CALL.prices,
      priceRule: CALL.priceRule,
      providerCost: CALL.providerCost,
      marginBasisPoints: CALL.marginBasisPoints,
      firstTokenMs: CALL.firstTokenMs,
      totalMs: CALL.totalMs,
      fees: CALL.fees,
    });
    for (const missing of ['httpStatus', 'usage', 'prices', 'fees'])
      expect(() => reportFromJson({ ...json, [missing]: null })).toThrow('malformed value');
    for (const later of ['providerCost', 'marginBasisPoints', 'firstTokenMs', 'totalMs'] as const)
      expect(reportFromJson({ ...json, [later]: undefined })[later]).toBeNull();
  });

  it('stand in the JSON of a report in the order of the table', () => {
    const report = { ...CALL, httpStatus: 200, usage: NO_USAGE, prices: CALL.prices ?? fail() };
    const inTable = Object.entries(CALL_FIELDS)
      .filter(([, { source }]) => source === 'report')
      .map(([property]) => property);
    expect(Object.keys(reportToJson(report))).toEqual(inTable);
  });

  it('do not compile where a report may hold null and the column refuses it', () => {
    // @ts-expect-error: null is a value of the property, so its column is `nullable`.
    const field: ReportField<number | null> = { source: 'report', allowsNull: false };
    expect(field.allowsNull).toBe(false);
  });

  it('read null and an absent value of a nullable column as null', () => {
    const field = nullable(CALL_FIELDS.keyId);
    for (const value of [null, undefined]) expect(field.fromJson(value)).toBeNull();
    expect(field.fromJson(7)).toBe(7);
    expect(() => field.fromJson('7')).toThrow('malformed value');
  });

  it('are listed nowhere else: a column is one line', () => {
    const elsewhere = listSources().filter((path) => {
      const source = readFileSync(join(ROOT, path), 'utf8');
      return /\bhttp_status\b|\w_price\b|output_reasoning:/.test(source);
    });
    expect(elsewhere).toEqual([]);
  });
});

function fail(): never {
  throw new Error('no prices');
}
