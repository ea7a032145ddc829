/**
 * Reads the forms a browser posts. A handler asks for each field by name; all other fields are
 * ignored, so a request can't set what no page offers.
 */
import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';

const MAX_FORM_BYTES = 64 * 1024;
const MAX_REPORT_BYTES = 512 * 1024;
const MAX_FIELD_LENGTH = 4_096;

function createBodyLimit(maxSize: number) {
  return bodyLimit({ maxSize, onError: (c) => c.text('That is too large for a form.', 413) });
}

export const formBodyLimit = createBodyLimit(MAX_FORM_BYTES);
/** Large enough for a thousand lines of JSON, percent-encoded. */
export const reportBodyLimit = createBodyLimit(MAX_REPORT_BYTES);

export type Form = Readonly<{
  /** The field's text; '' if it is missing, too long or a file. */
  text: (name: string) => string;
  /** The field's text, limited only by the size of the form. */
  longText: (name: string) => string;
  /** Every value of a repeated field, such as checkboxes. */
  values: (name: string) => readonly string[];
}>;

function isFieldText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_FIELD_LENGTH;
}

/** Reads the posted form. A body that is not a form reads as one without fields. */
export async function readForm(c: Context): Promise<Form> {
  const form = await parseFormData(c);
  return {
    text: (name) => {
      const value = form?.get(name);
      return isFieldText(value) ? value : '';
    },
    longText: (name) => {
      const value = form?.get(name);
      return typeof value === 'string' ? value : '';
    },
    values: (name) => form?.getAll(name).filter(isFieldText) ?? [],
  };
}

/** Hono caches the parsed body, so a form can be read twice. */
async function parseFormData(c: Context): Promise<FormData | undefined> {
  try {
    return await c.req.formData();
  } catch {
    return undefined;
  }
}
