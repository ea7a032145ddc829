/** Collects the facts of a request to an operation, whatever syntax its body has. */
import type { RequestError, Span } from '../contract.ts';
import { type FoldedNames, findConfusedName, foldNames } from '../field-names.ts';
import type {
  AnswerForm,
  AudioFormat,
  ModelSyntax,
  OperationField,
  OperationFields,
  OperationRequest,
  OperationSpec,
  Recording,
  SettingEffect,
} from './contract.ts';

export const MAX_MODEL_NAME_BYTES = 256;

/** Tokens of one text: no more than `maxTokens`, and about `estimatedTokens`. */
export type TextSize = Readonly<{ maxTokens: number; estimatedTokens: number }>;

export type RequestReading = Readonly<{
  model: string;
  modelSpan: Span;
  modelSyntax: ModelSyntax;
  stream: boolean;
  answer: AnswerForm;
  audioFormat: AudioFormat;
  request: OperationRequest;
  unknownFields: number;
}>;

export const NO_RECORDING: Recording = {
  maxSeconds: 0,
  estimatedSeconds: 0,
  believableSeconds: 0,
  isMeasured: true,
};

const foldedFields = new WeakMap<OperationFields, FoldedNames>();

function getFoldedFields(fields: OperationFields): FoldedNames {
  const known =
    foldedFields.get(fields) ??
    foldNames(Object.keys(fields).filter((name) => fields[name]?.kind !== 'no_effect'));
  foldedFields.set(fields, known);
  return known;
}

/** A short value of a setting, by the kind that its syntax shows; text of a form has no kind. */
export type SettingValue = Readonly<{
  kind: 'string' | 'number' | 'boolean' | 'text' | 'other';
  text: string;
}>;

const INTEGER = /^\d{1,15}$/;

export class RequestReader {
  readonly #spec: OperationSpec;
  readonly #seen = new Set<string>();
  readonly #documents: TextSize[] = [];
  #error: RequestError | null = null;
  #model: Readonly<{ name: string; span: Span; syntax: ModelSyntax }> | null = null;
  #unknownFields = 0;
  #text: TextSize = { maxTokens: 0, estimatedTokens: 0 };
  #query: TextSize = { maxTokens: 0, estimatedTokens: 0 };
  #characters = 0;
  #images = 0;
  #audio = NO_RECORDING;
  #effect: SettingEffect = {};

  constructor(spec: OperationSpec) {
    this.#spec = spec;
  }

  get error(): RequestError | null {
    return this.#error;
  }

  reject(error: RequestError): void {
    this.#error ??= error;
  }

  /** Rejects the body as a whole, whatever is wrong with its fields. */
  rejectBody(error: RequestError): void {
    this.#error = error;
  }

  rejectInvalid(field: string, expected: string): void {
    this.reject({ reason: 'invalid_field', field, expected });
  }

  /**
   * Returns how a field is read; null for one that no table has, which passes unless some reader
   * takes its name for a field of the table.
   */
  findField(name: string, mayRepeat = false): OperationField | null {
    const { fields } = this.#spec;
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field === undefined) {
      const meant = findConfusedName(name, getFoldedFields(fields));
      if (meant !== undefined) this.rejectInvalid(meant, 'the name spelled exactly so');
      this.#unknownFields += 1;
      return null;
    }
    const isRepeated = this.#seen.has(name) && field.kind !== 'no_effect' && !mayRepeat;
    if (isRepeated) this.reject({ reason: 'duplicate_field', field: name });
    this.#seen.add(name);
    if (field.kind === 'rejected') {
      const { explanation } = field;
      this.reject({ reason: 'unsupported_feature', field: name, explanation });
    }
    return field;
  }

  setModel(name: string, span: Span, syntax: ModelSyntax): void {
    const isValid = name !== '' && span.end - span.start <= MAX_MODEL_NAME_BYTES;
    if (isValid) this.#model = { name, span, syntax };
    else this.rejectInvalid('model', 'the name of a model');
  }

  addText({ maxTokens, estimatedTokens }: TextSize, spokenCharacters: number): void {
    this.#text = {
      maxTokens: this.#text.maxTokens + maxTokens,
      estimatedTokens: this.#text.estimatedTokens + estimatedTokens,
    };
    this.#characters += spokenCharacters;
  }

  setQuery(size: TextSize): void {
    this.#query = size;
  }

  addDocument(size: TextSize): void {
    this.#documents.push(size);
  }

  addImage(): void {
    this.#images += 1;
  }

  setAudio(audio: Recording): void {
    this.#audio = audio;
  }

  /** Reads a field that holds a short value. */
  readSetting(name: string, field: OperationField, value: SettingValue): void {
    const { kind, text } = value;
    if (field.kind === 'flag') {
      const isFlag = kind === 'boolean' || (kind === 'text' && /^(true|false)$/.test(text));
      if (!isFlag) this.rejectInvalid(name, 'true or false');
      else this.#apply(name, field.effect(text === 'true'));
    } else if (field.kind === 'integer') {
      const isNumber = (kind === 'number' || kind === 'text') && INTEGER.test(text);
      const number = isNumber ? Number(text) : -1;
      if (number < field.min || number > field.max)
        this.rejectInvalid(name, `a whole number from ${field.min} to ${field.max}`);
      else this.#apply(name, field.effect(number));
    } else if (field.kind === 'choice') {
      if (kind !== 'string' && kind !== 'text') this.rejectInvalid(name, 'a string');
      else if (field.values !== null && !field.values.includes(text))
        this.rejectInvalid(name, `one of ${field.values.join(', ')}`);
      else this.#apply(name, field.effect(text));
    }
  }

  /** Two fields that state the same, as `size` and `resolution` do, would each count somewhere. */
  #apply(name: string, effect: SettingEffect): void {
    const stated = Object.keys(effect).find((key) => Object.hasOwn(this.#effect, key));
    if (stated !== undefined)
      this.rejectInvalid(name, `left out, because another field states the ${stated}`);
    this.#effect = { ...this.#effect, ...effect };
  }

  /** Returns what was read. `absentModel` is where a model's name can be added. */
  end(absentModel: Span | null): RequestReading | RequestError {
    const { required, defaultModel, answerForm } = this.#spec;
    const model =
      this.#model ??
      (defaultModel === null || absentModel === null || this.#seen.has('model')
        ? null
        : { name: defaultModel, span: absentModel, syntax: 'json_member' as const });
    const missing = required.find((name) => !this.#seen.has(name));
    if (model === null) this.reject({ reason: 'missing_field', field: 'model' });
    else if (missing !== undefined) this.reject({ reason: 'missing_field', field: missing });
    if (this.#error !== null) return this.#error;
    if (model === null) return { reason: 'missing_field', field: 'model' };
    const { choices = 1, partialImages = 0, size = null, quality = null } = this.#effect;
    const { stream = false, answer = answerForm, audioFormat = 'mp3' } = this.#effect;
    return {
      model: model.name,
      modelSpan: model.span,
      modelSyntax: model.syntax,
      stream: stream || answer === 'events',
      answer: stream ? 'events' : answer,
      audioFormat,
      request: {
        maxTextTokens: this.#text.maxTokens,
        estimatedTextTokens: this.#text.estimatedTokens,
        characters: this.#characters,
        images: this.#images,
        documents: this.#documents,
        query: this.#query,
        audio: this.#audio,
        choices,
        partialImages,
        imageTerms: { size, quality },
      },
      unknownFields: this.#unknownFields,
    };
  }
}
