/**
 * Walks the prompt: messages, their parts, the system prompt and the tools. Counts everything that
 * can become a token once; inline media count by the provider's own limits instead of their bytes.
 */

import { capture, ENCODED_LEAF, type JsonNode, LEAF, type RequestAnalysis } from './analysis.ts';
import type { PromptField, RequestSpec } from './dialect-spec.ts';
import { foldName, foldNames } from './field-names.ts';
import type { Scanner } from './json-scanner.ts';
import { estimateTokens, UNITS_PER_TOKEN } from './token-estimator.ts';

/** Role markers and separators around a message or a tool: OpenAI's cookbook counts 3 to 11. */
const MAX_FRAME_TOKENS = 16;

/**
 * Bytes of an encoded document per estimated token: some 60 KB of PDF for a page of 1,500 tokens.
 */
const DOCUMENT_BYTES_PER_TOKEN = 50;

/** Anthropic's documented limit is 100,000 messages; real requests have far fewer. */
const MAX_PROMPT_ITEMS = 100_000;

const CAPTURED_SOURCE_MEMBERS: ReadonlySet<string> = new Set(['type', 'file_id', 'data', 'url']);

const DECISIVE_SOURCE_MEMBERS = foldNames(['content', ...CAPTURED_SOURCE_MEMBERS]);

/** A mark under another spelling counts as a mark: where it means nothing it costs nothing. */
const CACHE_CONTROL = foldName('cache_control');

export class PromptWalker {
  readonly #spec: RequestSpec;
  readonly #scanner: Scanner;
  readonly #analysis: RequestAnalysis;
  readonly #onCacheControl: () => void;
  #itemCount = 0;

  constructor(
    spec: RequestSpec,
    scanner: Scanner,
    analysis: RequestAnalysis,
    onCacheControl: () => void,
  ) {
    this.#spec = spec;
    this.#scanner = scanner;
    this.#analysis = analysis;
    this.#onCacheControl = onCacheControl;
  }

  /** Walks the value of one top-level field. */
  field(kind: PromptField, name: string): void {
    switch (kind) {
      case 'message_list':
        this.#messages(name);
        break;
      case 'item_list':
        this.#items(name);
        break;
      case 'content':
        this.#content(name);
        break;
      case 'tool_list':
        this.#tools(name);
        break;
    }
  }

  #messages(field: string): void {
    const scanner = this.#scanner;
    if (scanner.peekKind() !== 'array') {
      this.#analysis.rejectInvalid(field, 'an array of messages');
      scanner.skip();
      return;
    }
    scanner.readArray((index) => {
      if (this.#countItem(field)) this.#message(`${field}[${index}]`);
    });
  }

  #items(field: string): void {
    if (this.#scanner.peekKind() === 'array') {
      this.#messages(field);
      return;
    }
    this.#analysis.messages += 1;
    this.#analysis.extraMaxTokens += MAX_FRAME_TOKENS;
    this.#content(field);
  }

  /** Walks a text, or an array of parts. */
  #content(path: string): void {
    const kind = this.#scanner.peekKind();
    if (kind === 'array') {
      this.#scanner.readArray((index) => {
        if (this.#countItem('messages')) this.#part(`${path}[${index}]`);
      });
    }
    if (kind === 'object') this.#part(path);
    if (kind !== 'array' && kind !== 'object') this.#skipText();
  }

  #tools(field: string): void {
    const scanner = this.#scanner;
    if (scanner.peekKind() !== 'array') {
      scanner.skip();
      return;
    }
    const analysis = this.#analysis;
    const { estimatedUnits } = scanner;
    let count = 0;
    scanner.readArray((index) => {
      count += 1;
      if (!this.#countItem(field)) return;
      analysis.extraMaxTokens += MAX_FRAME_TOKENS;
      this.#tool(`${field}[${index}]`);
    });
    if (count === 0) return;
    analysis.tools += count;
    analysis.toolUnits += scanner.estimatedUnits - estimatedUnits;
    analysis.extraMaxTokens += this.#spec.maxToolsPreambleTokens;
  }

  /** Returns false beyond the maximum of items: the body is rejected and the rest is skipped. */
  #countItem(field: string): boolean {
    this.#itemCount += 1;
    if (this.#itemCount <= MAX_PROMPT_ITEMS) return true;
    this.#analysis.rejectInvalid(field, `at most ${MAX_PROMPT_ITEMS} messages, parts and tools`);
    return false;
  }

  #skipOpaque(): void {
    const { estimatedUnits } = this.#scanner;
    this.#scanner.skip();
    this.#scanner.estimatedUnits = estimatedUnits;
  }

  #dropped(path: string): void {
    const { estimatedUnits } = this.#scanner;
    this.#content(path);
    this.#scanner.estimatedUnits = estimatedUnits;
  }

  #skipText(): void {
    this.#scanner.asJson = false;
    this.#scanner.skip();
    this.#scanner.asJson = true;
  }

  #message(path: string): void {
    this.#analysis.messages += 1;
    this.#analysis.extraMaxTokens += MAX_FRAME_TOKENS;
    if (this.#scanner.peekKind() !== 'object') {
      this.#scanner.skip();
      return;
    }
    const message = this.#members(path);
    this.#spec.checkMessage(message, path, this.#analysis);
  }

  #part(path: string): void {
    if (this.#scanner.peekKind() !== 'object') {
      this.#skipText();
      return;
    }
    this.#analysis.extraMaxTokens += MAX_FRAME_TOKENS;
    const part = this.#members(path);
    this.#spec.checkPart(part, path, this.#analysis);
  }

  #members(path: string): JsonNode {
    const scanner = this.#scanner;
    const start = scanner.at;
    const members = new Map<string, JsonNode>();
    const store = (name: string, node: JsonNode) => this.#store(members, path, name, node);
    const known = this.#spec.promptMembers;
    scanner.readObject((name) => {
      if (known.dropped.has(name)) this.#dropped(`${path}.${name}`);
      else if (known.texts.has(name)) this.#content(`${path}.${name}`);
      else if (name === 'cache_control') this.#onCacheControl();
      else if (name === 'source') store(name, this.#source(`${path}.source`));
      else if (Object.hasOwn(known.media, name)) store(name, this.#media(name, path));
      else if (known.opaque.has(name)) this.#skipOpaque();
      else if (known.captured.has(name)) store(name, capture(scanner, LEAF, path, this.#analysis));
      else if (known.toolLists.has(name)) this.#tools(`${path}.${name}`);
      else this.#unknownMember(name, path);
    });
    return { kind: 'object', start, end: scanner.at, text: null, members, items: [] };
  }

  #unknownMember(name: string, path: string): void {
    if (foldName(name) === CACHE_CONTROL) {
      this.#onCacheControl();
      return;
    }
    this.#analysis.rejectConfusedName(name, path, this.#spec.promptMembers.decisive);
    this.#spec.checkUnknownMember(name, this.#scanner.peekKind(), this.#analysis);
  }

  /**
   * Captures encoded media: the dialect's check bounds its tokens, a document's size estimates
   * them.
   */
  #media(name: string, path: string): JsonNode {
    const { maxTokens, estimatedUnits } = this.#scanner;
    const { media, documents } = this.#spec.promptMembers;
    const node = capture(this.#scanner, media[name] ?? LEAF, `${path}.${name}`, this.#analysis);
    const pages = documents.has(name) ? (node.end - node.start) / DOCUMENT_BYTES_PER_TOKEN : 0;
    this.#scanner.maxTokens = maxTokens;
    this.#scanner.estimatedUnits = estimatedUnits + Math.ceil(pages) * UNITS_PER_TOKEN;
    return node;
  }

  #source(path: string): JsonNode {
    const scanner = this.#scanner;
    if (scanner.peekKind() !== 'object') return capture(scanner, LEAF, path, this.#analysis);
    const members = new Map<string, JsonNode>();
    const start = scanner.at;
    let maxDataTokens = 0;
    scanner.readObject((name) => {
      const { maxTokens } = scanner;
      if (name === 'content') this.#content(`${path}.content`);
      else if (name === 'cache_control') this.#onCacheControl();
      else if (CAPTURED_SOURCE_MEMBERS.has(name)) {
        this.#store(members, path, name, capture(scanner, ENCODED_LEAF, path, this.#analysis));
        if (name === 'data') maxDataTokens = scanner.maxTokens - maxTokens;
      } else this.#analysis.rejectConfusedName(name, path, DECISIVE_SOURCE_MEMBERS);
    });
    const data = members.get('data');
    if (members.get('type')?.text === 'base64') {
      scanner.maxTokens -= maxDataTokens;
      this.#estimateDocument(data);
    } else if (data !== undefined) {
      this.#analysis.estimatedMediaTokens += estimateTokens(
        scanner.bytes.subarray(data.start, data.end),
      );
    }
    return { kind: 'object', start, end: scanner.at, text: null, members, items: [] };
  }

  #estimateDocument(data: JsonNode | undefined): void {
    // An image's first base64 characters are never a PDF's ("%PDF" is JVBER).
    if (data?.text?.startsWith('JVBER')) {
      this.#analysis.estimatedMediaTokens += Math.ceil(
        (data.end - data.start) / DOCUMENT_BYTES_PER_TOKEN,
      );
    }
  }

  #store(members: Map<string, JsonNode>, path: string, name: string, node: JsonNode): void {
    if (members.has(name)) {
      this.#analysis.reject({ reason: 'duplicate_field', field: `${path}.${name}` });
    }
    members.set(name, node);
  }

  #tool(path: string): void {
    const scanner = this.#scanner;
    if (scanner.peekKind() !== 'object') {
      scanner.skip();
      return;
    }
    const start = scanner.at;
    const members = new Map<string, JsonNode>();
    const known = this.#spec.promptMembers;
    scanner.readObject((name) => {
      const captureSpec = known.tool.get(name);
      if (known.toolLists.has(name)) return this.#tools(`${path}.${name}`);
      if (captureSpec === undefined) return this.#unknownToolMember(name, path);
      if (captureSpec !== null) {
        const node = capture(scanner, captureSpec, `${path}.${name}`, this.#analysis);
        this.#store(members, path, name, node);
        return;
      }
      const kind = scanner.peekKind();
      const from = scanner.at;
      // A schema is skipped, not captured, so that the scanner reports watched names inside it.
      const text = kind === 'object' ? null : scanner.readText();
      if (kind === 'object') scanner.skip();
      this.#store(members, path, name, {
        kind,
        start: from,
        end: scanner.at,
        text,
        members: new Map(),
        items: [],
      });
    });
    const tool: JsonNode = {
      kind: 'object',
      start,
      end: scanner.at,
      text: null,
      members,
      items: [],
    };
    this.#spec.checkTool(tool, path, this.#analysis);
  }

  #unknownToolMember(name: string, path: string): void {
    if (foldName(name) === CACHE_CONTROL) {
      this.#onCacheControl();
      return;
    }
    this.#analysis.rejectConfusedName(name, path, this.#spec.promptMembers.decisiveOfTool);
    this.#spec.checkUnknownToolMember(name, this.#scanner.peekKind(), this.#analysis);
  }
}
