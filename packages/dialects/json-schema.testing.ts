/**
 * Checks values against JSON Schema as OpenAPI 3.1 documents use it: types, constants, members,
 * items, references and combinations. What it does not know of a schema restricts nothing.
 */

type Schema = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listSchemas(value: unknown): Schema[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function hasType(value: unknown, type: unknown): boolean {
  switch (type) {
    case 'object':
      return isObject(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'null':
      return value === null;
    default:
      return typeof value === type;
  }
}

export class SchemaDocument {
  readonly #root: Schema;

  constructor(root: unknown) {
    if (!isObject(root)) throw new Error('the document is no object');
    this.#root = root;
  }

  /** Returns why `value` is not what the component's schema says; empty if it is. */
  check(component: string, value: unknown): string[] {
    return this.#check({ $ref: `#/components/schemas/${component}` }, value, component);
  }

  #resolve(reference: string): Schema {
    const steps = reference.replace('#/', '').split('/');
    const found = steps.reduce<unknown>(
      (value, step) => (isObject(value) ? value[step] : undefined),
      this.#root,
    );
    if (!isObject(found)) throw new Error(`no schema ${reference}`);
    return found;
  }

  #check(schema: Schema, value: unknown, path: string): string[] {
    const errors = listSchemas(schema.allOf).flatMap((part) => this.#check(part, value, path));
    if (typeof schema.$ref === 'string')
      errors.push(...this.#check(this.#resolve(schema.$ref), value, path));
    for (const alternatives of [listSchemas(schema.anyOf), listSchemas(schema.oneOf)]) {
      const results = alternatives.map((part) => this.#check(part, value, path));
      if (results.length > 0 && results.every((result) => result.length > 0))
        errors.push(
          `${path}: no alternative holds (${results.map(([first]) => first).join('; ')})`,
        );
    }
    if (Array.isArray(schema.enum) && !schema.enum.includes(value)) errors.push(`${path}: enum`);
    const types = [schema.type].flat().filter((type) => type !== undefined);
    if (types.length > 0 && !types.some((type) => hasType(value, type)))
      return [...errors, `${path}: is no ${types.join(' or ')}`];
    return [...errors, ...this.#checkMembers(schema, value, path)];
  }

  #checkMembers(schema: Schema, value: unknown, path: string): string[] {
    if (Array.isArray(value)) {
      const { items } = schema;
      if (!isObject(items)) return [];
      return value.flatMap((item, index) => this.#check(items, item, `${path}[${index}]`));
    }
    if (!isObject(value)) return [];
    const required = Array.isArray(schema.required) ? schema.required : [];
    const missing = required
      .filter((name) => !Object.hasOwn(value, String(name)))
      .map((name) => `${path}.${name}: is missing`);
    const properties = isObject(schema.properties) ? schema.properties : {};
    const wrong = Object.entries(value).flatMap(([name, member]) => {
      const property = properties[name];
      return isObject(property) ? this.#check(property, member, `${path}.${name}`) : [];
    });
    return [...missing, ...wrong];
  }
}
