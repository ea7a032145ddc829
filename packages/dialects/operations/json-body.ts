/** Reads the JSON body of a request to an operation. */
import { REFERS_TO_STORED } from '../analysis.ts';
import type { RequestError } from '../contract.ts';
import { Scanner } from '../json-scanner.ts';
import { unitsToTokens } from '../token-estimator.ts';
import type { OperationField, OperationSpec } from './contract.ts';
import {
  RequestReader,
  type RequestReading,
  type SettingValue,
  type TextSize,
} from './request-reader.ts';

const BACKSLASH = 0x5c;
const LOWER_U = 0x75;
const HIGH_SURROGATE = 0xd800;
const LOW_SURROGATE = 0xdc00;

/** Returns the code unit of the escape `\uXXXX` at `at`. */
function readCodeUnit(bytes: Uint8Array, at: number): number {
  return Number.parseInt(String.fromCharCode(...bytes.subarray(at + 2, at + 6)), 16);
}

/**
 * Returns the number of code points of the content of a JSON string, without decoding it. Two escapes
 * are one character where they are the halves of a pair; a half alone is a character to a provider.
 */
function countCharacters(bytes: Uint8Array, from: number, to: number): number {
  let count = 0;
  let isAfterHigh = false;
  for (let at = from; at < to; ) {
    const byte = bytes[at] ?? 0;
    const isEscape = byte === BACKSLASH;
    const unit = isEscape && bytes[at + 1] === LOWER_U ? readCodeUnit(bytes, at) : null;
    const surrogate = unit === null ? 0 : unit & 0xfc00;
    const isSecondHalf = isAfterHigh && surrogate === LOW_SURROGATE;
    const isContinuation = !isEscape && (byte & 0xc0) === 0x80;
    if (!isSecondHalf && !isContinuation) count += 1;
    isAfterHigh = surrogate === HIGH_SURROGATE;
    if (unit !== null) at += 6;
    else at += isEscape ? 2 : 1;
  }
  return count;
}

class JsonBody {
  readonly #scanner: Scanner;
  readonly #reader: RequestReader;

  constructor(bytes: Uint8Array, reader: RequestReader) {
    this.#scanner = new Scanner(bytes);
    this.#reader = reader;
  }

  read(): void {
    const scanner = this.#scanner;
    const isObject = scanner.peekKind() === 'object';
    if (isObject) scanner.readObject((name) => this.#member(name));
    else scanner.skip();
    scanner.expectEnd();
    if (scanner.error !== null) this.#reader.rejectBody({ reason: scanner.error });
    else if (!isObject) this.#reader.rejectBody({ reason: 'not_an_object' });
  }

  #member(name: string): void {
    const field = this.#reader.findField(name);
    const kind = this.#scanner.peekKind();
    if (field === null || kind === 'null') {
      this.#scanner.skip();
      if (field?.kind === 'model') this.#reader.rejectInvalid('model', 'the name of a model');
      return;
    }
    this.#value(name, field);
  }

  #value(name: string, field: OperationField): void {
    switch (field.kind) {
      case 'model':
        this.#model();
        return;
      case 'text':
        this.#text(name, field.isSpoken);
        return;
      case 'inputs':
        this.#inputs(name, field.allowsParts);
        return;
      case 'query':
        this.#reader.setQuery(this.#string(name));
        return;
      case 'documents':
        this.#documentList(name);
        return;
      case 'image_files':
        this.#images(name);
        return;
      case 'audio_file':
        this.#reader.rejectInvalid(name, 'a file of a multipart form');
        this.#scanner.skip();
        return;
      case 'flag':
      case 'integer':
      case 'choice':
        this.#reader.readSetting(name, field, this.#setting());
        return;
      case 'rejected':
      case 'no_effect':
        this.#scanner.skip();
        return;
    }
  }

  #model(): void {
    const scanner = this.#scanner;
    const isString = scanner.peekKind() === 'string';
    const start = scanner.at;
    const text = scanner.readText() ?? '';
    const span = { start, end: scanner.at };
    this.#reader.setModel(isString ? text : '', span, 'json_string');
  }

  #setting(): SettingValue {
    const kind = this.#scanner.peekKind();
    const text = this.#scanner.readText() ?? '';
    const isShort = kind === 'string' || kind === 'number' || kind === 'boolean';
    return { kind: isShort ? kind : 'other', text };
  }

  /** Skips a value and returns the size of its text. */
  #measure(asJson: boolean): TextSize {
    const scanner = this.#scanner;
    const { maxTokens, estimatedUnits } = scanner;
    scanner.asJson = asJson;
    scanner.skip();
    scanner.asJson = true;
    return {
      maxTokens: scanner.maxTokens - maxTokens,
      estimatedTokens: unitsToTokens(scanner.estimatedUnits - estimatedUnits),
    };
  }

  #string(name: string): TextSize {
    if (this.#scanner.peekKind() !== 'string') this.#reader.rejectInvalid(name, 'a string');
    return this.#measure(false);
  }

  #text(name: string, isSpoken: boolean): void {
    const size = this.#string(name);
    const { start, end } = this.#scanner.lastString;
    const isRead = isSpoken && this.#scanner.error === null;
    const characters = isRead ? countCharacters(this.#scanner.bytes, start + 1, end - 1) : 0;
    this.#reader.addText(size, characters);
  }

  /** A text, texts, tokens, or lists of tokens; a list of numbers is one input. */
  #inputs(name: string, allowsParts: boolean): void {
    if (this.#scanner.peekKind() !== 'array') {
      this.#text(name, false);
      return;
    }
    this.#scanner.readArray(() => {
      const kind = this.#scanner.peekKind();
      if (kind === 'string') this.#text(name, false);
      else if (kind === 'number') this.#token(name);
      else if (kind === 'array') this.#scanner.readArray(() => this.#token(name));
      else if (kind === 'object' && allowsParts) this.#reader.addText(this.#measure(true), 0);
      else this.#rejectInput(name);
    });
  }

  #token(name: string): void {
    if (this.#scanner.peekKind() !== 'number') {
      this.#rejectInput(name);
      return;
    }
    this.#scanner.skip();
    this.#reader.addText({ maxTokens: 1, estimatedTokens: 1 }, 0);
  }

  #rejectInput(name: string): void {
    this.#reader.rejectInvalid(name, 'a string, a list of strings, or lists of tokens');
    this.#scanner.skip();
  }

  #documentList(name: string): void {
    if (this.#scanner.peekKind() !== 'array') {
      this.#reader.rejectInvalid(name, 'a list of documents');
      this.#scanner.skip();
      return;
    }
    this.#scanner.readArray(() => {
      const kind = this.#scanner.peekKind();
      if (kind !== 'string' && kind !== 'object')
        this.#reader.rejectInvalid(name, 'a list of strings or objects');
      this.#reader.addDocument(this.#measure(kind === 'object'));
    });
  }

  /** One image or a list of them: a URL, or an object with one. */
  #images(name: string): void {
    if (this.#scanner.peekKind() === 'array') this.#scanner.readArray(() => this.#image(name));
    else this.#image(name);
  }

  #image(name: string): void {
    const scanner = this.#scanner;
    const kind = scanner.peekKind();
    this.#reader.addImage();
    if (kind === 'string') scanner.readEncoded();
    else if (kind === 'object') scanner.readObject((member) => this.#imageMember(name, member));
    else {
      this.#reader.rejectInvalid(name, 'an image, or a list of images');
      scanner.skip();
    }
  }

  #imageMember(name: string, member: string): void {
    if (/file_?id/i.test(member) && this.#scanner.peekKind() !== 'null') {
      this.#reader.reject({
        reason: 'unsupported_feature',
        field: `${name}.file_id`,
        explanation: REFERS_TO_STORED,
      });
    }
    if (this.#scanner.peekKind() === 'string') this.#scanner.readEncoded();
    else this.#scanner.skip();
  }
}

/** Returns what the body holds, or why it is not accepted. */
export function readJsonBody(
  spec: OperationSpec,
  bytes: Uint8Array,
): RequestReading | RequestError {
  const reader = new RequestReader(spec);
  new JsonBody(bytes, reader).read();
  const afterBrace = bytes.indexOf(0x7b) + 1;
  return reader.end({ start: afterBrace, end: afterBrace });
}
