/**
 * Gemini's embedContent and batchEmbedContents (https://ai.google.dev/api/embeddings): embeddings
 * whose URL names the model, and each request of a batch again.
 */
import { RequestAnalysis } from '../analysis.ts';
import type { RequestError, Span, UrlTarget } from '../contract.ts';
import { GeminiPromptReader, readMembersOnce } from '../gemini-prompt.ts';
import { CountReader, isJsonObject, type JsonObject } from '../json-fields.ts';
import { Scanner } from '../json-scanner.ts';
import { toProtoName } from '../proto-names.ts';
import { unitsToTokens } from '../token-estimator.ts';
import type { OperationAnswer, OperationResult, ReportedUse } from './contract.ts';
import { NO_RECORDING } from './request-reader.ts';

const SETTINGS: ReadonlySet<string> = new Set([
  ...['taskType', 'outputDimensionality', 'embedContentConfig'],
]);

/** https://ai.google.dev/gemini-api/docs/embeddings: the most requests of a batch. */
const MAX_REQUESTS = 100;

class EmbedBody {
  readonly scanner: Scanner;
  readonly analysis = new RequestAnalysis(toProtoName);
  readonly modelSpans: Span[] = [];
  requests = 0;
  readonly #prompt: GeminiPromptReader;
  readonly #modelName: string;

  constructor(bytes: Uint8Array, model: string) {
    this.scanner = new Scanner(bytes);
    this.#prompt = new GeminiPromptReader(this.scanner, this.analysis);
    this.#modelName = `models/${model}`;
  }

  /** Reads the whole body. Returns why it is not accepted, or null. */
  read(isBatch: boolean): RequestError | null {
    const { scanner, analysis } = this;
    const isObject = scanner.peekKind() === 'object';
    if (!isObject) scanner.skip();
    else if (isBatch) this.#members('', (name) => this.#batchMember(name));
    else this.#request('');
    scanner.expectEnd();
    if (scanner.error !== null) return { reason: scanner.error };
    if (!isObject) return { reason: 'not_an_object' };
    const required = isBatch ? 'requests' : 'content';
    if (this.requests === 0) return { reason: 'missing_field', field: required };
    const hasMedia = analysis.contextWindow || analysis.estimatedMediaTokens > 0;
    if (hasMedia) analysis.rejectPricing('content', 'only embeddings of text have a price here');
    return analysis.error;
  }

  #members(path: string, member: (name: string, path: string) => void): void {
    readMembersOnce(this.scanner, this.analysis, path, member);
  }

  #batchMember(name: string): void {
    if (name !== 'requests') this.analysis.unknownFields += 1;
    else if (this.scanner.peekKind() === 'array')
      this.scanner.readArray((index) => this.#request(`requests[${index}]`));
    else this.#request('requests');
    if (this.requests > MAX_REQUESTS)
      this.analysis.rejectInvalid('requests', `at most ${MAX_REQUESTS} requests`);
  }

  #request(path: string): void {
    if (this.scanner.peekKind() !== 'object') {
      this.analysis.rejectInvalid(path, 'a request, or a list of them');
      return;
    }
    this.#members(path, (name, memberPath) => {
      if (name === 'content') {
        this.requests += 1;
        this.#prompt.field('content', memberPath);
      } else if (name === 'model') this.#model(memberPath);
      // The model reads a title with the content: its bytes count.
      else if (!SETTINGS.has(name) && name !== 'title') this.analysis.unknownFields += 1;
    });
  }

  /** Each request names the model of the URL, as Google's API requires. */
  #model(path: string): void {
    const start = this.scanner.at;
    const isSame = this.scanner.readText() === this.#modelName;
    if (!isSame) this.analysis.rejectInvalid(path, 'models/ and the name of the model in the URL');
    this.modelSpans.push({ start, end: this.scanner.at });
  }
}

/** Reads a request whose URL asks for embeddings. */
export function parseEmbedContent(bytes: Uint8Array, urlTarget: UrlTarget): OperationResult {
  const body = new EmbedBody(bytes, urlTarget.model);
  const error = body.read(urlTarget.method.startsWith('batch'));
  if (error !== null) return { ok: false, ...error };
  const { scanner, analysis } = body;
  const nothing = { maxTokens: 0, estimatedTokens: 0 };
  return {
    ok: true,
    facts: {
      operation: 'embeddings',
      endpoint: 'gemini',
      urlTarget,
      model: urlTarget.model,
      modelSpans: body.modelSpans,
      modelSyntax: 'resource_name',
      contentType: 'application/json',
      stream: false,
      streamFormat: 'events',
      answer: 'json',
      audioFormat: 'mp3',
      request: {
        maxTextTokens: scanner.maxTokens + analysis.extraMaxTokens,
        estimatedTextTokens: unitsToTokens(scanner.estimatedUnits),
        characters: 0,
        images: 0,
        documents: [],
        query: nothing,
        audio: NO_RECORDING,
        choices: 1,
        partialImages: 0,
        imageTerms: { size: null, quality: null },
      },
      unknownFields: analysis.unknownFields,
    },
  };
}

/** The first model of embeddings reports nothing; later ones count what they read. */
function readEmbedContentUse({ usageMetadata }: JsonObject): ReportedUse {
  const usage = isJsonObject(usageMetadata) ? usageMetadata : {};
  const reader = new CountReader();
  const tokens = reader.read(usage, 'promptTokenCount') ?? reader.read(usage, 'totalTokenCount');
  const counts = tokens === null || tokens === 0 ? null : { input_uncached: tokens };
  return { counts, statedCost: null, invalid: reader.invalidCount };
}

export const EMBED_CONTENT_ANSWER: OperationAnswer = {
  keptMembers: { usageMetadata: true, error: true, embedding: {}, embeddings: {} },
  otherForms: [],
  answerMembers: ['embedding', 'embeddings'],
  readUse: readEmbedContentUse,
  lastEvents: [],
};
