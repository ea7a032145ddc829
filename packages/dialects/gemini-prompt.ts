/**
 * Walks the prompt of generateContent: contents, their parts, the system instruction and the tools.
 * Counts everything that can become a token once; inline media count by what Google documents of
 * them instead of their bytes.
 */
import {
  type CaptureSpec,
  capture,
  ENCODED_LEAF,
  getMember,
  LEAF,
  REFERS_TO_STORED,
  type RequestAnalysis,
} from './analysis.ts';
import type { PromptField, PromptReader } from './dialect-spec.ts';
import { foldNames } from './field-names.ts';
import type { Scanner } from './json-scanner.ts';
import { UNITS_PER_TOKEN } from './token-estimator.ts';

/** Role markers and separators around a message, a part or a tool. */
const MAX_FRAME_TOKENS = 16;
const MAX_PROMPT_ITEMS = 100_000;
/** No preamble of tools is documented: the bound of the other dialects. */
const MAX_TOOLS_PREAMBLE_TOKENS = 1_000;

/**
 * https://ai.google.dev/gemini-api/docs/media-resolution: 2,240 tokens at most since Gemini 3. Before
 * it, tiles of 258 whose number is not bounded: the bound of Chat, which is 193 of them.
 */
const MAX_IMAGE_TOKENS = 50_000;
/** What an image takes since Gemini 3 where the request does not ask for a resolution. */
const ESTIMATED_IMAGE_TOKENS = 1_100;

/**
 * Bytes of encoded media per estimated token: 258 tokens for some 60 KB of a page, 32 tokens for a
 * second of audio at 128 kbit/s, 100 tokens for a second of video at 2 Mbit/s, each in base64.
 */
const BYTES_PER_TOKEN = { document: 300, audio: 670, video: 3_300 } as const;

/** No maximum is documented, and none is enforced (discuss.ai.google.dev/t/197393). */
const MAX_SEARCH_QUERIES = 10;

const PDF = 'application/pdf';
const BLOB: CaptureSpec = { members: { mimeType: LEAF, data: ENCODED_LEAF } };
const FILE: CaptureSpec = { members: { mimeType: LEAF, fileUri: LEAF } };

/** Members of a part that the model reads as JSON. */
const JSON_MEMBERS: ReadonlySet<string> = new Set([
  ...['functionCall', 'executableCode', 'codeExecutionResult', 'toolCall', 'toolResponse'],
]);

/** Members of a part that say how it is read, or that are no part of the prompt. */
const SETTING_MEMBERS: ReadonlySet<string> = new Set([
  ...['thought', 'videoMetadata', 'mediaResolution', 'mediaProcessing', 'partMetadata', 'role'],
]);

/** The members that decide what a part costs: another spelling of one must not hide it. */
const DECISIVE_MEMBERS = foldNames([
  ...['parts', 'text', 'inlineData', 'fileData', 'functionResponse', ...JSON_MEMBERS],
]);

/** Files of the Files API and of Cloud Storage belong to the organisation that all callers share. */
const STORED_FILE = /^\s*(gs:|files\/|https?:\/\/generativelanguage\.googleapis\.com\b)/i;

type ToolCheck = (analysis: RequestAnalysis, path: string) => void;

/** Retrieved text is part of the context, and each query is billed. */
function limitSearch(analysis: RequestAnalysis): void {
  analysis.contextWindow = true;
  analysis.addSurcharge('web_search', MAX_SEARCH_QUERIES);
}

function limitContext(analysis: RequestAnalysis): void {
  analysis.contextWindow = true;
}

function reject(explanation: string): ToolCheck {
  return (analysis, path) => analysis.rejectUnsupported(path, explanation);
}

/**
 * The tools that Google runs (https://ai.google.dev/gemini-api/docs/pricing). Pages and the results
 * of code are billed as input; nothing else is.
 */
const SERVER_TOOLS: ReadonlyMap<string, ToolCheck> = new Map<string, ToolCheck>([
  ['googleSearch', limitSearch],
  ['googleSearchRetrieval', limitSearch],
  ['urlContext', limitContext],
  ['codeExecution', limitContext],
  ['computerUse', limitContext],
  [
    'googleMaps',
    (analysis) => {
      analysis.contextWindow = true;
      analysis.addSurcharge('maps_grounded_prompt', 1);
    },
  ],
  ['fileSearch', reject(REFERS_TO_STORED)],
  ['retrieval', reject(REFERS_TO_STORED)],
]);

const DECISIVE_TOOLS = foldNames(['functionDeclarations', ...SERVER_TOOLS.keys()]);

/**
 * Reads an object whose members may have either of their names, each once. The error names the
 * object: a name that the caller chose is repeated nowhere. The path of the whole body is empty.
 */
export function readMembersOnce(
  scanner: Scanner,
  analysis: RequestAnalysis,
  path: string,
  member: (name: string, path: string) => void,
): void {
  const known = new Set<string>();
  const field = path === '' ? 'body' : path;
  scanner.readObject((written) => {
    const name = analysis.toFieldName(written);
    if (known.has(name)) analysis.reject({ reason: 'duplicate_field', field, inObject: true });
    known.add(name);
    member(name, path === '' ? name : `${path}.${name}`);
  });
}

export class GeminiPromptReader implements PromptReader {
  readonly #scanner: Scanner;
  readonly #analysis: RequestAnalysis;
  #itemCount = 0;

  constructor(scanner: Scanner, analysis: RequestAnalysis) {
    this.#scanner = scanner;
    this.#analysis = analysis;
  }

  field(kind: PromptField, name: string): void {
    if (kind === 'request') {
      if (this.#scanner.peekKind() === 'object') this.#request(name);
      return;
    }
    if (kind === 'tool_list') this.#repeated(name, 'an array of tools', (path) => this.#tool(path));
    else
      this.#repeated(name, 'an object with parts, or an array of them', (path) =>
        this.#content(path),
      );
  }

  /** Reads a request in a field of another: its prompt, and where it names the model. */
  #request(path: string): void {
    this.#members(path, (name, memberPath) => {
      if (name === 'contents' || name === 'systemInstruction') this.field('content', memberPath);
      else if (name === 'tools') this.field('tool_list', memberPath);
      else if (name === 'cachedContent' && this.#scanner.peekKind() !== 'null')
        this.#analysis.rejectUnsupported(memberPath, REFERS_TO_STORED);
      else if (name === 'model') this.#model(memberPath);
      else this.#skipUnestimated();
    });
  }

  #model(path: string): void {
    const { start, end } = capture(this.#scanner, LEAF, path, this.#analysis);
    this.#analysis.nestedModel = { start, end };
  }

  /** Reads an array of objects, or one of them without the array, as Google's parser does. */
  #repeated(path: string, expected: string, item: (path: string) => void): void {
    const scanner = this.#scanner;
    const read = (itemPath: string) => {
      if (scanner.peekKind() !== 'object') this.#analysis.rejectInvalid(path, expected);
      else if (this.#countItem(path)) item(itemPath);
    };
    const kind = scanner.peekKind();
    if (kind === 'array') scanner.readArray((index) => read(`${path}[${index}]`));
    else if (kind !== 'null') read(path);
  }

  /** Returns false beyond the maximum of items: the body is rejected and the rest is skipped. */
  #countItem(path: string): boolean {
    this.#itemCount += 1;
    if (this.#itemCount <= MAX_PROMPT_ITEMS) return true;
    this.#analysis.rejectInvalid(path, `at most ${MAX_PROMPT_ITEMS} contents, parts and tools`);
    return false;
  }

  #members(path: string, member: (name: string, path: string) => void): void {
    readMembersOnce(this.#scanner, this.#analysis, path, member);
  }

  #content(path: string): void {
    this.#analysis.messages += 1;
    this.#analysis.extraMaxTokens += MAX_FRAME_TOKENS;
    this.#members(path, (name, memberPath) => {
      if (name === 'parts') this.#parts(memberPath);
      else if (name !== 'role') this.#unknownMember(name, path);
    });
  }

  #parts(path: string): void {
    this.#repeated(path, 'an array of parts', (partPath) => this.#part(partPath));
  }

  #part(path: string): void {
    this.#analysis.extraMaxTokens += MAX_FRAME_TOKENS;
    this.#members(path, (name, memberPath) => {
      if (name === 'text') this.#text();
      else if (name === 'thoughtSignature') this.#skipUnestimated();
      else if (name === 'inlineData') this.#inlineData(memberPath);
      else if (name === 'fileData') this.#fileData(memberPath);
      else if (name === 'functionResponse') this.#functionResponse(memberPath);
      else if (!JSON_MEMBERS.has(name) && !SETTING_MEMBERS.has(name))
        this.#unknownMember(name, path);
    });
  }

  #unknownMember(name: string, path: string): void {
    this.#analysis.rejectConfusedName(name, path, DECISIVE_MEMBERS);
    this.#analysis.unknownFields += 1;
    this.#skipUnestimated();
  }

  #text(): void {
    this.#scanner.asJson = false;
    this.#scanner.skip();
    this.#scanner.asJson = true;
  }

  /** Skips what the model reads in another form, if at all: it counts in the bound only. */
  #skipUnestimated(): void {
    const { estimatedUnits } = this.#scanner;
    this.#scanner.skip();
    this.#scanner.estimatedUnits = estimatedUnits;
  }

  /** Besides its JSON, the response of a function may have media in parts of its own. */
  #functionResponse(path: string): void {
    if (this.#scanner.peekKind() !== 'object') return;
    this.#members(path, (name, memberPath) => {
      if (name === 'parts') this.#parts(memberPath);
      else this.#analysis.rejectConfusedName(name, path, DECISIVE_MEMBERS);
    });
  }

  #inlineData(path: string): void {
    const { maxTokens, estimatedUnits } = this.#scanner;
    const blob = capture(this.#scanner, BLOB, path, this.#analysis);
    if (blob.kind === 'null') return;
    const type = getMember(blob, 'mimeType')?.text?.toLowerCase() ?? '';
    const bytes = blob.end - blob.start;
    // The text of a file is a part of the prompt: no longer than its encoded bytes.
    if (type.startsWith('text/')) {
      this.#scanner.estimatedUnits = estimatedUnits + UNITS_PER_TOKEN * Math.ceil(bytes / 5);
      return;
    }
    this.#scanner.maxTokens = maxTokens;
    this.#scanner.estimatedUnits = estimatedUnits;
    this.#limitMedia(type, bytes);
  }

  /** The body does not say how many pages, seconds or frames media other than images have. */
  #limitMedia(type: string, bytes: number): void {
    const analysis = this.#analysis;
    if (type.startsWith('image/')) {
      analysis.extraMaxTokens += MAX_IMAGE_TOKENS;
      analysis.estimatedMediaTokens += ESTIMATED_IMAGE_TOKENS;
      return;
    }
    analysis.contextWindow = true;
    const [family = ''] = type.split('/');
    const kind = family === 'audio' || family === 'video' ? family : 'document';
    if (type !== PDF) analysis.audioInput = true;
    analysis.estimatedMediaTokens += Math.ceil(bytes / BYTES_PER_TOKEN[kind]);
  }

  #fileData(path: string): void {
    const file = capture(this.#scanner, FILE, path, this.#analysis);
    if (file.kind === 'null') return;
    const uri = getMember(file, 'fileUri')?.text ?? '';
    if (STORED_FILE.test(uri)) this.#analysis.rejectUnsupported(path, REFERS_TO_STORED);
    // What is behind an address may be anything, also a video with its sound.
    this.#analysis.contextWindow = true;
    this.#analysis.audioInput = true;
  }

  #tool(path: string): void {
    this.#members(path, (name, memberPath) => {
      const check = SERVER_TOOLS.get(name);
      if (name === 'functionDeclarations') this.#functions(memberPath);
      else if (this.#scanner.peekKind() === 'null') return;
      else if (check !== undefined) check(this.#analysis, memberPath);
      else this.#unknownTool(name, path);
    });
  }

  /** A tool that is not in the table may be billed by a price of its own. */
  #unknownTool(name: string, path: string): void {
    this.#analysis.rejectConfusedName(name, path, DECISIVE_TOOLS);
    this.#analysis.rejectUnsupported(path, 'this tool of Google has no known price');
  }

  #functions(path: string): void {
    const analysis = this.#analysis;
    const { estimatedUnits } = this.#scanner;
    let count = 0;
    this.#repeated(path, 'an array of functions', () => {
      count += 1;
      analysis.extraMaxTokens += MAX_FRAME_TOKENS;
      this.#scanner.skip();
    });
    if (count === 0) return;
    analysis.tools += count;
    analysis.toolUnits += this.#scanner.estimatedUnits - estimatedUnits;
    analysis.extraMaxTokens += MAX_TOOLS_PREAMBLE_TOKENS;
  }
}
