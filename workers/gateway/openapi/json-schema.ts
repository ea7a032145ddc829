/** The parts of OpenAPI 3.1 that the document uses, and short names of the schemas it repeats. */

export type Schema = Readonly<{
  $ref?: string;
  type?: string | readonly string[];
  const?: unknown;
  enum?: readonly unknown[];
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  default?: unknown;
  description?: string;
  examples?: readonly unknown[];
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: readonly Schema[];
}>;

export type Header = Readonly<{ description: string; schema: Schema }>;
export type Reference = Readonly<{ $ref: string }>;
export type MediaType = Readonly<{ schema: Schema; example?: unknown }>;
export type Content = Readonly<Record<string, MediaType>>;
export type ResponseObject = Readonly<{
  description: string;
  headers?: Readonly<Record<string, Reference>>;
  content?: Content;
}>;
export type Responses = Readonly<Record<string, ResponseObject>>;
export type Parameter = Readonly<{
  name: string;
  in: 'path' | 'query' | 'header';
  required?: true;
  description?: string;
  schema: Schema;
  example?: unknown;
}>;
export type OperationObject = Readonly<{
  operationId: string;
  tags: readonly string[];
  summary: string;
  description?: string;
  security?: readonly Readonly<Record<string, readonly string[]>>[];
  parameters?: readonly Parameter[];
  requestBody?: Readonly<{ required: true; content: Content }>;
  responses: Responses;
}>;

export const STRING: Schema = { type: 'string' };
export const INTEGER: Schema = { type: 'integer' };
export const COUNT: Schema = { type: 'integer', minimum: 0 };
export const BOOLEAN: Schema = { type: 'boolean' };
export const DATE: Schema = { type: 'string', format: 'date' };
export const DATE_TIME: Schema = { type: 'string', format: 'date-time' };

export function ref(schema: string): Schema {
  return { $ref: `#/components/schemas/${schema}` };
}

export function described(schema: Schema, description: string): Schema {
  return { ...schema, description };
}

export function nullable(schema: Schema, description?: string): Schema {
  const either: Schema = { anyOf: [schema, { type: 'null' }] };
  return description === undefined ? either : described(either, description);
}

export function list(items: Schema): Schema {
  return { type: 'array', items };
}

export function oneOf(words: readonly string[]): Schema {
  return { type: 'string', enum: [...words] };
}

/** An object that has all of `properties` but those that are `optional`. */
export function object(
  properties: Readonly<Record<string, Schema>>,
  {
    optional = [],
    ...more
  }: Readonly<{ optional?: readonly string[] }> & Omit<Schema, 'properties' | 'required'> = {},
): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', ...more, properties, required };
}

/** An amount in nano-USD, which may be below zero. */
export function amount(description: string): Schema {
  return { type: 'string', pattern: '^-?[0-9]+$', description };
}

export const NANO_USD = amount('An amount in nano-USD, an integer as a string.');

/** An amount that is never below zero, and null where it is not known. */
export function nullableAmount(description: string): Schema {
  return { type: ['string', 'null'], pattern: '^[0-9]+$', description };
}
