/** The two names of each field of Google's messages. */
import { describe, expect, it } from 'vitest';
import { toProtoName } from './proto-names.ts';

describe('toProtoName', () => {
  it.each([
    ['generation_config', 'generationConfig'],
    ['max_output_tokens', 'maxOutputTokens'],
    ['generationConfig', 'generationConfig'],
    ['contents', 'contents'],
    // Google refuses these, and so do our tables of confusable names.
    ['Generation_config', 'Generation_config'],
    ['_contents', '_contents'],
    ['max__output', 'max__output'],
  ])('reads %s as %s', (written, name) => {
    expect(toProtoName(written)).toBe(name);
  });
});
