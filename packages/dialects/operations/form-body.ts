/** Reads the multipart body of a request to an operation. */
import type { RequestError } from '../contract.ts';
import { normalizedGrowth } from '../normalized-length.ts';
import { estimateTokens } from '../token-estimator.ts';
import { measureRecording } from './audio/measure-audio.ts';
import type { OperationField, OperationSpec } from './contract.ts';
import { type FormPart, splitForm } from './multipart.ts';
import { RequestReader, type RequestReading, type TextSize } from './request-reader.ts';

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Longer than any setting. */
const MAX_SETTING_BYTES = 256;

/** Returns the text of a part; null if it is not UTF-8. */
function decode(bytes: Uint8Array): string | null {
  try {
    return DECODER.decode(bytes);
  } catch {
    return null;
  }
}

/** A token spans at least one byte of the text as a tokeniser normalises it. */
function measureText(text: string, bytes: Uint8Array): TextSize {
  let maxTokens = bytes.length + 2;
  for (const character of text) maxTokens += normalizedGrowth(character.codePointAt(0) ?? 0);
  return { maxTokens, estimatedTokens: estimateTokens(bytes) };
}

/** The fields that a form may have more than once. */
function mayRepeat(field: OperationField | undefined): boolean {
  return field?.kind === 'image_files' || field?.kind === 'no_effect';
}

class FormBody {
  readonly #bytes: Uint8Array;
  readonly #spec: OperationSpec;
  readonly #reader: RequestReader;

  constructor(bytes: Uint8Array, spec: OperationSpec, reader: RequestReader) {
    this.#bytes = bytes;
    this.#spec = spec;
    this.#reader = reader;
  }

  /** A name with brackets is that of a list, of which each part is an item. */
  part(part: FormPart): void {
    const name = part.name.replace(/\[\d*\]$/, '');
    const listed = Object.hasOwn(this.#spec.fields, name) ? this.#spec.fields[name] : undefined;
    const isList = mayRepeat(listed);
    if (name !== part.name && listed !== undefined && !isList)
      this.#reader.rejectInvalid(name, 'the name spelled exactly so');
    const field = this.#reader.findField(name, isList);
    if (field === null || field.kind === 'no_effect' || field.kind === 'rejected') return;
    const takesFile = field.kind === 'audio_file' || field.kind === 'image_files';
    if (takesFile && !part.isFile) this.#reader.rejectInvalid(name, 'a file, with a file name');
    else if (!takesFile && part.isFile) this.#reader.rejectInvalid(name, 'a text and no file');
    else this.#read(name, field, part);
  }

  #read(name: string, field: OperationField, { content }: FormPart): void {
    const bytes = this.#bytes.subarray(content.start, content.end);
    if (field.kind === 'audio_file') {
      this.#reader.setAudio(measureRecording(bytes));
      return;
    }
    if (field.kind === 'image_files') {
      this.#reader.addImage();
      return;
    }
    const isSetting = field.kind !== 'text';
    const text = isSetting && bytes.length > MAX_SETTING_BYTES ? null : decode(bytes);
    if (text === null) {
      this.#reader.rejectInvalid(name, isSetting ? 'a short text' : 'a text in UTF-8');
    } else if (field.kind === 'model') this.#reader.setModel(text, content, 'text');
    else if (field.kind === 'text') {
      const characters = field.isSpoken ? Array.from(text).length : 0;
      this.#reader.addText(measureText(text, bytes), characters);
    } else this.#reader.readSetting(name, field, { kind: 'text', text });
  }
}

/** Returns what the form holds, or why it is not accepted. */
export function readFormBody(
  spec: OperationSpec,
  bytes: Uint8Array,
  boundary: string,
): RequestReading | RequestError {
  const form = splitForm(bytes, boundary);
  if (!form.ok) return { reason: 'invalid_field', field: form.field, expected: form.expected };
  const reader = new RequestReader(spec);
  const body = new FormBody(bytes, spec, reader);
  for (const part of form.parts) body.part(part);
  return reader.end(null);
}
