/**
 * Walks what a model will read: messages, their parts, the system prompt and the tools. It promises
 * that everything that can become a token is counted once, and that what is not text (inline media)
 * is counted by the provider's own limits instead of its bytes.
 */
import {
  CHAT_TOOLS_PREAMBLE_LIKELY,
  judgeChatMessage,
  judgeChatPart,
  judgeChatTool,
} from './chat.ts';
import type { Dialect } from './contract.ts';
import { ENCODED, type Findings, FLAT, type Noted, note, type Plan } from './findings.ts';
import {
  judgeMessagesMessage,
  judgeMessagesPart,
  judgeMessagesTool,
  TOOLS_PREAMBLE_AT_MOST,
  TOOLS_PREAMBLE_LIKELY,
} from './messages.ts';
import type { Scanner } from './scanner.ts';
import { likelyTokens, PAIR_ROW } from './tokens.ts';

/** Role markers and separators around a message or a tool: OpenAI's cookbook counts 3 to 11. */
const FRAME_AT_MOST = 16;
const FRAME_LIKELY = 4;

/** Bytes of an encoded document for each token it likely holds: about 60 KB of PDF for a page of 1,500. */
const DOCUMENT_BYTES_PER_TOKEN = 50;

/** Anthropic's documented limit is 100,000 messages; nobody sends a tenth of that. */
const MOST_WALKED = 100_000;

const JUDGES = {
  chat: { part: judgeChatPart, message: judgeChatMessage, tool: judgeChatTool },
  messages: { part: judgeMessagesPart, message: judgeMessagesMessage, tool: judgeMessagesTool },
} as const;

/** Members of a part or message whose value is text the model reads as it is. */
const TEXT_MEMBERS = new Set(['content', 'text', 'thinking', 'refusal', 'reasoning_content']);

const MEDIA: Readonly<Record<string, Plan>> = {
  image_url: { ...ENCODED, members: { url: ENCODED } },
  file: { members: { file_id: FLAT, file_data: ENCODED } },
  input_audio: { members: { data: ENCODED } },
};

/** Signed or encrypted thoughts of earlier turns: mostly dropped again, at most their bytes. */
const OPAQUE = new Set([
  'signature',
  'data',
  'encrypted_content',
  'extra_content',
  'reasoning_details',
]);

const MARKS = new Set(['type', 'file_id', 'role', 'audio', 'tool_calls', 'tool_use_id']);

const TOOL_MARKS: ReadonlySet<string> = new Set(['type', 'function', 'input_schema', 'max_uses']);

export class Prompt {
  readonly #dialect: Dialect;
  readonly #scanner: Scanner;
  readonly #findings: Findings;
  readonly #onCacheControl: () => void;
  #walked = 0;

  constructor(dialect: Dialect, scanner: Scanner, findings: Findings, onCacheControl: () => void) {
    this.#dialect = dialect;
    this.#scanner = scanner;
    this.#findings = findings;
    this.#onCacheControl = onCacheControl;
  }

  messages(): void {
    const scanner = this.#scanner;
    if (scanner.kind() !== 'array') {
      this.#findings.invalid('messages', 'an array of messages');
      scanner.skip();
      return;
    }
    scanner.array((index) => {
      if (this.#within('messages')) this.#message(`messages[${index}]`);
    });
  }

  /** A text, or an array of parts. */
  content(path: string): void {
    const kind = this.#scanner.kind();
    if (kind === 'array') {
      this.#scanner.array((index) => {
        if (this.#within('messages')) this.#part(`${path}[${index}]`);
      });
    }
    if (kind === 'object') this.#part(path);
    if (kind !== 'array' && kind !== 'object') this.#text();
  }

  tools(field: string): void {
    const scanner = this.#scanner;
    if (scanner.kind() !== 'array') {
      scanner.skip();
      return;
    }
    let count = 0;
    scanner.array((index) => {
      count += 1;
      if (!this.#within(field)) return;
      this.#frame();
      this.#tool(`${field}[${index}]`);
    });
    if (count === 0) return;
    this.#findings.extraAtMost += TOOLS_PREAMBLE_AT_MOST;
    this.#findings.extraLikely +=
      this.#dialect === 'messages' ? TOOLS_PREAMBLE_LIKELY : CHAT_TOOLS_PREAMBLE_LIKELY;
  }

  /** False once there is more than a provider takes: the rest is skipped, the body refused. */
  #within(field: string): boolean {
    this.#walked += 1;
    if (this.#walked <= MOST_WALKED) return true;
    this.#findings.invalid(field, `at most ${MOST_WALKED} messages, parts and tools`);
    return false;
  }

  #frame(): void {
    this.#findings.extraAtMost += FRAME_AT_MOST;
    this.#findings.extraLikely += FRAME_LIKELY;
  }

  #opaque(): void {
    const { likely } = this.#scanner;
    this.#scanner.skip();
    this.#scanner.likely = likely;
  }

  #text(): void {
    this.#scanner.asJson = false;
    this.#scanner.skip();
    this.#scanner.asJson = true;
  }

  #message(path: string): void {
    this.#frame();
    if (this.#scanner.kind() !== 'object') {
      this.#scanner.skip();
      return;
    }
    const message = this.#members(path);
    JUDGES[this.#dialect].message(message, path, this.#findings);
  }

  #part(path: string): void {
    if (this.#scanner.kind() !== 'object') {
      this.#text();
      return;
    }
    this.#findings.extraAtMost += FRAME_AT_MOST;
    const part = this.#members(path);
    JUDGES[this.#dialect].part(part, path, this.#findings);
  }

  #members(path: string): Noted {
    const scanner = this.#scanner;
    const start = scanner.at;
    const members = new Map<string, Noted>();
    const keep = (name: string, noted: Noted) => this.#keep(members, path, name, noted);
    scanner.object((name) => {
      if (TEXT_MEMBERS.has(name)) this.content(`${path}.${name}`);
      else if (name === 'cache_control') this.#onCacheControl();
      else if (name === 'source') keep(name, this.#source(`${path}.source`));
      else if (Object.hasOwn(MEDIA, name)) keep(name, this.#media(name, path));
      else if (OPAQUE.has(name)) this.#opaque();
      else if (MARKS.has(name)) keep(name, note(scanner, FLAT, path, this.#findings));
    });
    return { kind: 'object', start, end: scanner.at, text: null, members, items: [] };
  }

  /** Encoded bytes are no text: what they come to is the judge's to say, a document's likely size ours. */
  #media(name: string, path: string): Noted {
    const { atMost, likely } = this.#scanner;
    const noted = note(this.#scanner, MEDIA[name] ?? FLAT, `${path}.${name}`, this.#findings);
    const pages = name === 'file' ? (noted.end - noted.start) / DOCUMENT_BYTES_PER_TOKEN : 0;
    this.#scanner.atMost = atMost;
    this.#scanner.likely = likely + Math.ceil(pages) * PAIR_ROW;
    return noted;
  }

  #source(path: string): Noted {
    const scanner = this.#scanner;
    if (scanner.kind() !== 'object') return note(scanner, FLAT, path, this.#findings);
    const members = new Map<string, Noted>();
    const start = scanner.at;
    let dataAtMost = 0;
    scanner.object((name) => {
      const { atMost } = scanner;
      if (name === 'content') this.content(`${path}.content`);
      else if (name === 'cache_control') this.#onCacheControl();
      else if (name === 'type' || name === 'file_id' || name === 'data') {
        this.#keep(members, path, name, note(scanner, ENCODED, path, this.#findings));
        if (name === 'data') dataAtMost = scanner.atMost - atMost;
      }
    });
    const data = members.get('data');
    if (members.get('type')?.text === 'base64') {
      scanner.atMost -= dataAtMost;
      this.#documentLikely(data);
    } else if (data !== undefined) {
      this.#findings.extraLikely += likelyTokens(scanner.bytes.subarray(data.start, data.end));
    }
    return { kind: 'object', start, end: scanner.at, text: null, members, items: [] };
  }

  #documentLikely(data: Noted | undefined): void {
    // An image's first base64 characters are never a PDF's ("%PDF" is JVBER).
    if (data?.text?.startsWith('JVBER')) {
      this.#findings.extraLikely += Math.ceil((data.end - data.start) / DOCUMENT_BYTES_PER_TOKEN);
    }
  }

  #keep(members: Map<string, Noted>, path: string, name: string, noted: Noted): void {
    if (members.has(name)) {
      this.#findings.refuse({ reason: 'duplicate_field', field: `${path}.${name}` });
    }
    members.set(name, noted);
  }

  #tool(path: string): void {
    const scanner = this.#scanner;
    if (scanner.kind() !== 'object') {
      scanner.skip();
      return;
    }
    const start = scanner.at;
    const members = new Map<string, Noted>();
    scanner.object((name) => {
      if (name === 'cache_control') return this.#onCacheControl();
      if (!TOOL_MARKS.has(name)) return;
      const kind = scanner.kind();
      const from = scanner.at;
      // A schema is skipped, not noted, so that what is watched for inside it is seen.
      const text = kind === 'object' ? null : scanner.text();
      if (kind === 'object') scanner.skip();
      this.#keep(members, path, name, {
        kind,
        start: from,
        end: scanner.at,
        text,
        members: new Map(),
        items: [],
      });
    });
    const tool: Noted = { kind: 'object', start, end: scanner.at, text: null, members, items: [] };
    JUDGES[this.#dialect].tool(tool, path, this.#findings);
  }
}
