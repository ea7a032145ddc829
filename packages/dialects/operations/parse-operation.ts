/** Reads a request to an operation, and writes the model's own name at the provider into it. */
import { applySplices } from '../edit.ts';
import { Scanner } from '../json-scanner.ts';
import type { OperationFacts, OperationResult } from './contract.ts';
import { readFormBody } from './form-body.ts';
import { readJsonBody } from './json-body.ts';
import { parseBoundary, splitForm } from './multipart.ts';
import type { Operation } from './names.ts';
import { OPERATION_SPECS } from './operations.ts';
import { MAX_MODEL_NAME_BYTES } from './request-reader.ts';

const DECODER = new TextDecoder();
const JSON_TYPE = 'application/json';
const FORM_TYPE = 'multipart/form-data';

/** JSON where nothing is said: SDKs always say it, hands at a command line do not. */
function isJson(contentType: string): boolean {
  const [type = ''] = contentType.split(';', 1);
  return ['', JSON_TYPE, 'text/plain', 'application/x-www-form-urlencoded'].includes(
    type.trim().toLowerCase(),
  );
}

function isForm(contentType: string): boolean {
  return contentType.trim().toLowerCase().startsWith(FORM_TYPE);
}

/** `contentType` is the header's value, or empty. */
export function parseOperation(
  operation: Operation,
  bytes: Uint8Array,
  contentType: string,
): OperationResult {
  const spec = OPERATION_SPECS[operation];
  const takesJson = spec.body !== 'multipart' && isJson(contentType);
  if (!takesJson && (spec.body === 'json' || !isForm(contentType))) {
    const all = { json: [JSON_TYPE], multipart: [FORM_TYPE], any: [FORM_TYPE, JSON_TYPE] };
    return { ok: false, reason: 'unsupported_media_type', accepted: all[spec.body] };
  }
  const boundary = takesJson ? null : parseBoundary(contentType);
  if (!takesJson && boundary === null) {
    const expected = 'multipart/form-data with one boundary of at most 70 plain characters';
    return { ok: false, reason: 'invalid_field', field: 'content-type', expected };
  }
  const reading =
    boundary === null ? readJsonBody(spec, bytes) : readFormBody(spec, bytes, boundary);
  if ('reason' in reading) return { ok: false, ...reading };
  const { modelSpan, ...facts } = reading;
  return {
    ok: true,
    facts: {
      ...facts,
      modelSpans: [modelSpan],
      operation,
      endpoint: operation,
      urlTarget: null,
      streamFormat: 'events',
      contentType: writeContentType(boundary),
    },
  };
}

function findJsonModel(bytes: Uint8Array): string | null {
  const scanner = new Scanner(bytes);
  let model: string | null = null;
  if (scanner.peekKind() === 'object')
    scanner.readObject((name) => {
      if (name === 'model' && scanner.peekKind() === 'string') model = scanner.readText();
    });
  return scanner.error === null ? model : null;
}

function findFormModel(bytes: Uint8Array, boundary: string): string | null {
  const form = splitForm(bytes, boundary);
  const part = form.ok ? form.parts.find(({ name }) => name === 'model') : undefined;
  if (part === undefined) return null;
  const { start, end } = part.content;
  return end - start > MAX_MODEL_NAME_BYTES ? null : DECODER.decode(bytes.subarray(start, end));
}

/**
 * Returns the name of the model in a body for any endpoint, or null. It only tells for which
 * operations the body is worth reading, each of which reads it again.
 */
export function findModelName(bytes: Uint8Array, contentType: string): string | null {
  const boundary = parseBoundary(contentType);
  return boundary === null ? findJsonModel(bytes) : findFormModel(bytes, boundary);
}

/** Quotes a boundary only where it must be (RFC 9110, section 5.6.6): not every server reads quotes. */
function writeContentType(boundary: string | null): string {
  if (boundary === null) return JSON_TYPE;
  const value = /^[\w'+.-]+$/.test(boundary) ? boundary : `"${boundary}"`;
  return `${FORM_TYPE}; boundary=${value}`;
}

function writeModel({ modelSyntax }: OperationFacts, name: string): string {
  if (modelSyntax === 'text') return name;
  if (modelSyntax === 'resource_name') return JSON.stringify(`models/${name}`);
  const text = JSON.stringify(name);
  return modelSyntax === 'json_string' ? text : `"model":${text},`;
}

/** Returns the pieces of the body with `name` as its model; the body itself if nothing changes. */
export function editOperation(
  bytes: Uint8Array,
  facts: OperationFacts,
  name: string,
): readonly Uint8Array[] {
  if (facts.model === name && facts.modelSyntax !== 'json_member') return [bytes];
  const text = writeModel(facts, name);
  return applySplices(
    bytes,
    facts.modelSpans.map((span) => ({ ...span, text })),
  );
}
