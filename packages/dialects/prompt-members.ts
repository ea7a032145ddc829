/**
 * The members of messages, items, parts and tools by what the walker does with their values. What a
 * dialect does not name here is counted as JSON and offered to its checks.
 */
import { type CaptureSpec, ENCODED_LEAF, LEAF } from './analysis.ts';
import { type FoldedNames, foldNames } from './field-names.ts';

type Names = Readonly<{
  /** A text that the model reads unchanged, or parts. */
  texts: ReadonlySet<string>;
  /** Reasoning of earlier turns, which providers mostly drop: it counts in the bound only. */
  dropped: ReadonlySet<string>;
  /** Encoded media. */
  media: Readonly<Record<string, CaptureSpec>>;
  /** The media that are documents, whose size estimates their pages. */
  documents: ReadonlySet<string>;
  /** Signed or encrypted reasoning of earlier turns: at most its bytes, and mostly dropped. */
  opaque: ReadonlySet<string>;
  captured: ReadonlySet<string>;
  /** Lists of tools inside of an item, or of a tool. */
  toolLists: ReadonlySet<string>;
  /** Members of a tool; one with `null` is skipped and only its kind and text are kept. */
  tool: ReadonlyMap<string, CaptureSpec | null>;
}>;

export type PromptMembers = Names &
  Readonly<{
    /** The members that decide what a part costs: another spelling of one must not hide it. */
    decisive: FoldedNames;
    decisiveOfTool: FoldedNames;
  }>;

export function buildPromptMembers(names: Names): PromptMembers {
  return {
    ...names,
    decisive: foldNames([
      ...Object.keys(names.media),
      ...names.toolLists,
      ...['type', 'content', 'source', 'file_id', 'audio'],
    ]),
    decisiveOfTool: foldNames([...names.tool.keys(), ...names.toolLists]),
  };
}

/** Of Chat Completions and Messages. */
export const MESSAGE_MEMBERS: PromptMembers = buildPromptMembers({
  texts: new Set(['content', 'text', 'refusal']),
  dropped: new Set(['thinking', 'reasoning_content']),
  media: {
    image_url: { ...ENCODED_LEAF, members: { url: ENCODED_LEAF } },
    file: { members: { file_id: LEAF, file_data: ENCODED_LEAF } },
    input_audio: { members: { data: ENCODED_LEAF } },
  },
  documents: new Set(['file']),
  opaque: new Set([
    'signature',
    'data',
    'encrypted_content',
    'extra_content',
    'reasoning_details',
    // Clients send it beside `reasoning_content`, with the same text.
    'reasoning',
  ]),
  captured: new Set(['type', 'file_id', 'role', 'audio', 'tool_calls', 'tool_use_id']),
  toolLists: new Set(),
  tool: new Map([
    ['type', null],
    ['function', null],
    ['input_schema', null],
    ['max_uses', null],
  ]),
});
