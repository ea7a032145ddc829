/**
 * Endpoints that are no conversation: one request, one answer, and a unit of its own for each
 * (tokens, images, seconds, characters, searches). A request's facts are counts and byte positions,
 * never a piece of what it holds.
 */
import type { Bucket, NanoUsd, SurchargeKind } from '@farebox/money';
import type { RequestError, Span, UpstreamEndpoint, UrlTarget } from '../contract.ts';
import type { KeptMembers } from '../dialect-spec.ts';
import type { JsonObject } from '../json-fields.ts';
import type { Operation } from './names.ts';

/** What has a price and can be counted. */
export type CountedKey = Bucket | SurchargeKind;

/** Units by what they are billed as. What is absent was not counted. */
export type Counts = Readonly<Partial<Record<CountedKey, number>>>;

/** The limits of a model, from the catalog. */
export type OperationLimits = Readonly<{
  /** The most tokens of one input. */
  context: number;
  /** The most tokens of one output: of a text, an image or a recording. */
  output: number;
}>;

/** What an image is priced by where it is not priced by its tokens. */
export type ImageTerms = Readonly<{
  /** In lower case: `1024x1024`, `2k`; null where the request says nothing or `auto`. */
  size: string | null;
  quality: string | null;
}>;

/** The form of the answer that a request asks for. */
export type AnswerForm = 'json' | 'text' | 'audio' | 'events';

/** A format of recordings whose length can be told from its bytes. */
export type AudioFormat = 'mp3' | 'opus' | 'aac' | 'flac' | 'wav' | 'pcm';

/** A recording, as far as its bytes tell. */
export type Recording = Readonly<{
  /** The length in seconds: no more than this, and about that. */
  maxSeconds: number;
  estimatedSeconds: number;
  /** The most that a report may state: headers of the caller do not shorten what bytes can hold. */
  believableSeconds: number;
  /** False where the length is a guess: nothing is billed by it. */
  isMeasured: boolean;
}>;

/** What the request holds, counted as it was read. */
export type OperationRequest = Readonly<{
  /** Tokens of texts: no more than this, and about that many. */
  maxTextTokens: number;
  estimatedTextTokens: number;
  /** Code points of the text that is spoken. */
  characters: number;
  /** Images among them. */
  images: number;
  /** The tokens of each document to rank, as `maxTextTokens` and as estimated. */
  documents: readonly Readonly<{ maxTokens: number; estimatedTokens: number }>[];
  /** The tokens of a query, which is read with each document. */
  query: Readonly<{ maxTokens: number; estimatedTokens: number }>;
  audio: Recording;
  /** The number of answers that it asks for. */
  choices: number;
  partialImages: number;
  imageTerms: ImageTerms;
}>;

/** The most that a call may be billed for, and what it is billed for where nothing is reported. */
export type Measure = Readonly<{
  max: Counts;
  expected: Counts;
  /** The most that a report may state, where that is more than `max`. */
  believable?: Counts;
  /** True where `expected` rests on a guess, so that it is no bill of a whole answer. */
  isGuess?: boolean;
}>;

/**
 * A JSON string, a whole member of a JSON object (where there is none yet), plain text, or a JSON
 * string with the collection before the name (Google's resource names).
 */
export type ModelSyntax = 'json_string' | 'json_member' | 'text' | 'resource_name';

export type OperationFacts = Readonly<{
  operation: Operation;
  /** The provider's endpoint. */
  endpoint: UpstreamEndpoint | Operation;
  /** Null where the body itself names the model. */
  urlTarget: UrlTarget | null;
  model: string;
  /** Where the model's name stands, and how another is written there. */
  modelSpans: readonly Span[];
  modelSyntax: ModelSyntax;
  /** The media type of the body, with its boundary. */
  contentType: string;
  stream: boolean;
  /** The form of every stream of an operation. */
  streamFormat: 'events';
  answer: AnswerForm;
  audioFormat: AudioFormat;
  request: OperationRequest;
  /** The number of fields that no table has; they are forwarded. */
  unknownFields: number;
}>;

export type OperationResult =
  | Readonly<{ ok: true; facts: OperationFacts }>
  | (Readonly<{ ok: false }> & RequestError)
  /** The body has another media type than the operation takes. */
  | Readonly<{ ok: false; reason: 'unsupported_media_type'; accepted: readonly string[] }>;

/** What an answer, or the last event of a stream, says that was used. */
export type ReportedUse = Readonly<{
  /** Null where nothing is reported. */
  counts: Counts | null;
  /** nano-USD: what the provider says that it charges; null where it says nothing. */
  statedCost: NanoUsd | null;
  /** Numbers that can't be counts. */
  invalid: number;
}>;

/** How an answer is read. */
export type OperationAnswer = Readonly<{
  /** The members of a document, or of an event, that billing reads. */
  keptMembers: KeptMembers;
  /** The forms beside documents and events that an answer may have, whatever was asked for. */
  otherForms: readonly AnswerForm[];
  /** The members of which a document has one if it is an answer. */
  answerMembers: readonly string[];
  /** Reads a document, of which only `keptMembers` may be there. */
  readUse: (document: JsonObject) => ReportedUse;
  /** Counts what a document holds, where the provider reports nothing. */
  observe?: (document: JsonObject) => Counts;
  /** The types of the events after which nothing comes. */
  lastEvents: readonly string[];
}>;

export type BodyKind = 'json' | 'multipart';

export type OperationSpec = Readonly<{
  /** The path of its endpoint at the gateway. */
  path: string;
  body: BodyKind | 'any';
  /** What goes in and comes out, in OpenRouter's words. */
  modalities: Readonly<{ input: string; output: string }>;
  /** The closed table of fields. */
  fields: OperationFields;
  /** Fields without which the request asks for nothing. */
  required: readonly string[];
  /** The model of a request that names none; null where one must be named. */
  defaultModel: string | null;
  /** The form of the answer where no field says otherwise. */
  answerForm: AnswerForm;
  measure: (request: OperationRequest, limits: OperationLimits) => Measure;
  answer: OperationAnswer;
}>;

/** What a setting changes in the facts. */
export type SettingEffect = Readonly<
  Partial<{
    choices: number;
    partialImages: number;
    stream: boolean;
    answer: AnswerForm;
    audioFormat: AudioFormat;
    size: string | null;
    quality: string | null;
  }>
>;

/** How one field is read, in JSON and in a multipart form alike. */
export type OperationField =
  /** The name of the model. */
  | Readonly<{ kind: 'model' }>
  /** A text that the model reads, and may speak. */
  | Readonly<{ kind: 'text'; isSpoken: boolean }>
  /** A text, a list of texts, or tokens. */
  | Readonly<{ kind: 'inputs'; allowsParts: boolean }>
  /** The query of a ranking, and the documents that are ranked. */
  | Readonly<{ kind: 'query' | 'documents' }>
  | Readonly<{ kind: 'audio_file' }>
  /** One image or several: files of a form, `data:` URLs of a document. */
  | Readonly<{ kind: 'image_files' }>
  | Readonly<{ kind: 'flag'; effect: (value: boolean) => SettingEffect }>
  /** A whole number of at least `min` and at most `max`. */
  | Readonly<{
      kind: 'integer';
      min: number;
      max: number;
      effect: (value: number) => SettingEffect;
    }>
  /** A short text; one of `values` where only these are known to be billed right. */
  | Readonly<{
      kind: 'choice';
      values: readonly string[] | null;
      effect: (value: string) => SettingEffect;
    }>
  | Readonly<{ kind: 'rejected'; explanation: string }>
  | Readonly<{ kind: 'no_effect' }>;

export type OperationFields = Readonly<Record<string, OperationField>>;
