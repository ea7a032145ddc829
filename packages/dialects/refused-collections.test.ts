import { describe, expect, it } from 'vitest';
import type { Dialect } from './contract.ts';
import { isStoredAnswerPath } from './refused-collections.ts';
import { findRefusedCollection, hasKeyParameter } from './specs.ts';

function explain(path: string, dialect: Dialect): string {
  const error = findRefusedCollection(path, dialect);
  return error?.reason === 'unsupported_feature' ? error.explanation : '';
}

describe('findRefusedCollection', () => {
  it.each([
    ['/v1beta/interactions', 'gemini', 'interactions'],
    ['/v1beta/cachedContents/abc', 'gemini', 'cachedContents'],
    ['/upload/v1beta/files', 'gemini', 'files'],
    ['/v1/files/abc:download', 'gemini', 'files'],
    ['/v1/files', 'chat', 'files'],
    ['/v1/files/file-1/content', 'chat', 'files'],
    ['/v1/files', 'messages', 'files'],
    ['/v1/batches/batch_1/cancel', 'chat', 'batches'],
    ['/v1/messages/batches', 'messages', 'messages/batches'],
    ['/v1/messages/batches/b/results', 'messages', 'messages/batches'],
    ['/v1/vector_stores/vs_1/files', 'chat', 'vector_stores'],
    ['/v1/fine_tuning/jobs', 'chat', 'fine_tuning'],
    ['/v1/conversations/conv_1/items', 'responses', 'conversations'],
    ['/v1/images/variations', 'chat', 'images/variations'],
    ['/v1/realtime/sessions', 'chat', 'realtime'],
    ['/v1/completions', 'chat', 'completions'],
    ['/v1/complete', 'messages', 'complete'],
  ] as const)('says of %s in the dialect %s why %s are not served', (path, dialect, field) => {
    expect(findRefusedCollection(path, dialect)).toMatchObject({
      reason: 'unsupported_feature',
      field,
    });
  });

  it('speaks of Google’s fields to Google’s clients only', () => {
    expect(explain('/v1/files', 'gemini')).toContain('inlineData');
    for (const dialect of ['chat', 'messages', 'responses'] as const) {
      expect(explain('/v1/files', dialect)).toContain('in the request that needs them');
      expect(explain('/v1/files', dialect)).not.toMatch(/Google|inlineData/);
    }
  });

  it.each(['/v1beta/models', '/v1/chat/completions', '/v1/messages/count_tokens', '/v1/filesX'])(
    'says nothing of %s',
    (path) => {
      expect(findRefusedCollection(path, 'chat')).toBeUndefined();
      expect(findRefusedCollection(path, 'gemini')).toBeUndefined();
    },
  );
});

describe('isStoredAnswerPath', () => {
  it.each([
    ['/v1/responses/resp_1', true],
    ['/v1/responses/resp_1/cancel', true],
    ['/v1/responses/resp_1/input_items', true],
    ['/v1/chat/completions/chatcmpl-1', true],
    ['/v1/chat/completions/chatcmpl-1/messages', true],
    ['/v1/responses', false],
    ['/v1/chat/completions', false],
    ['/v1/messages/msg_1', false],
  ])('says of %s: %s', (path, expected) => {
    expect(isStoredAnswerPath(path)).toBe(expected);
  });
});

describe('hasKeyParameter', () => {
  it.each(['key=fbx_x', 'alt=sse&key=', '$key=x', 'access_token=x'])(
    'finds the place of a key of Google’s in the query "%s", and of no other’s',
    (query) => {
      expect(hasKeyParameter(new URLSearchParams(query), 'gemini')).toBe(true);
      expect(hasKeyParameter(new URLSearchParams(query), 'chat')).toBe(false);
    },
  );

  it('finds none in the query of a stream', () => {
    expect(hasKeyParameter(new URLSearchParams('alt=sse&prettyPrint=false'), 'gemini')).toBe(false);
  });
});
