/** The OpenAPI document and the code have the same closed lists and shapes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SETTLE_REASONS } from '@farebox/ledger';
import { SURCHARGE_KINDS } from '@farebox/money';
import { describe, expect, it } from 'vitest';
import { generationJson } from './account-endpoints.ts';
import { ERROR_MAP } from './errors.ts';

const path = join(import.meta.dirname, '../../docs/openapi.json');
const document = JSON.parse(readFileSync(path, 'utf8'));
const { schemas } = document.components;

describe('docs/openapi.json', () => {
  it('lists exactly the reasons, fee kinds and error codes of the code', () => {
    expect(schemas.Reason.enum).toEqual([...SETTLE_REASONS]);
    expect(schemas.FeeKind.enum).toEqual([...SURCHARGE_KINDS]);
    expect([...schemas.ErrorCode.enum].sort()).toEqual(Object.keys(ERROR_MAP).sort());
  });

  it('requires exactly the fields of a bill', () => {
    const bill = generationJson({
      id: 'a'.repeat(32),
      model: 'openai/gpt-4o-mini',
      provider: 'openai',
      dialect: 'chat',
      stream: false,
      httpStatus: null,
      status: 'open',
      reason: null,
      usage: null,
      prices: null,
      fees: [],
      charged: 0n,
      shortfall: 0n,
      createdAt: 0,
      settledAt: null,
    });
    expect(Object.keys(bill as object).sort()).toEqual([...schemas.Generation.required].sort());
  });
});
