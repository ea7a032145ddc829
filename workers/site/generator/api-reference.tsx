/**
 * The API reference, rendered from docs/openapi.json: no script, no framework. It shows what the
 * document has, in its order.
 */
import type { Child, FC } from 'hono/jsx';
import { toErrorPath } from './error-paths.ts';
import { toHeadingId } from './markdown.ts';
import type { Rendered } from './page.ts';

/** The parts of an OpenAPI 3.1 document that the reference reads. */
export type Schema = Readonly<{
  $ref?: string;
  type?: string | readonly string[];
  const?: unknown;
  enum?: readonly unknown[];
  format?: string;
  description?: string;
  default?: unknown;
  properties?: Readonly<Record<string, Schema>>;
  additionalProperties?: boolean | Schema;
  required?: readonly string[];
  items?: Schema;
  anyOf?: readonly Schema[];
  oneOf?: readonly Schema[];
  allOf?: readonly Schema[];
}>;
type Parameter = Readonly<{
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema?: Schema;
}>;
type Content = Readonly<Record<string, Readonly<{ schema?: Schema; example?: unknown }>>>;
type Answer = Readonly<{
  description?: string;
  headers?: Readonly<Record<string, unknown>>;
  content?: Content;
}>;
type Operation = Readonly<{
  operationId?: string;
  tags?: readonly string[];
  summary?: string;
  description?: string;
  parameters?: readonly Parameter[];
  requestBody?: Readonly<{ required?: boolean; content?: Content }>;
  responses?: Readonly<Record<string, Answer>>;
}>;
type Listed = Readonly<{ method: string; path: string; operation: Operation }>;
export type ErrorFacts = Readonly<{ status: number; retryable: boolean }>;
export type OpenApi = Readonly<{
  info: Readonly<{ title: string; description?: string }>;
  paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  components: Readonly<{
    schemas: Readonly<Record<string, Schema>>;
    headers: Readonly<Record<string, Readonly<{ description: string }>>>;
  }>;
  'x-errors'?: Readonly<Record<string, ErrorFacts>>;
}>;

/** What stands between backticks, and the words in which an error code can be. */
const CODE_SPAN = /(`[^`]+`|\b[a-z]+(?:_[a-z]+)+\b)/;

/** A description with its code, and its error codes as links to their pages. */
const Description: FC<Readonly<{ text: string | undefined; errorCodes: readonly string[] }>> = ({
  text = '',
  errorCodes,
}) => (
  <>
    {text.split(CODE_SPAN).map((part) => {
      if (errorCodes.includes(part))
        return (
          <a href={toErrorPath(part)}>
            <code>{part}</code>
          </a>
        );
      return part.startsWith('`') ? <code>{part.slice(1, -1)}</code> : part;
    })}
  </>
);

function getSchemaName(reference: string): string {
  return reference.split('/').at(-1) ?? reference;
}

/** Describes a schema in a few words, with links to named ones. */
const TypeName: FC<{ schema: Schema | undefined }> = ({ schema }) => {
  if (schema === undefined) return <>any</>;
  if (schema.$ref !== undefined) {
    const name = getSchemaName(schema.$ref);
    return <a href={`#schema-${name.toLowerCase()}`}>{name}</a>;
  }
  const alternatives = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (alternatives !== undefined) {
    return (
      <>
        {alternatives.map((one, index) => (
          <>
            {index > 0 && ' | '}
            <TypeName schema={one} />
          </>
        ))}
      </>
    );
  }
  if (schema.items !== undefined) {
    return (
      <>
        array of <TypeName schema={schema.items} />
      </>
    );
  }
  return <>{describePlainType(schema)}</>;
};

function describePlainType(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined)
    return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const type = Array.isArray(schema.type) ? schema.type.join(' | ') : (schema.type ?? 'any');
  return schema.format === undefined ? String(type) : `${type} (${schema.format})`;
}

const Rows: FC<Readonly<{ head: readonly string[]; rows: readonly (readonly Child[])[] }>> = (
  props,
) => (
  <div class="scroll" tabindex={0}>
    <table>
      <thead>
        <tr>
          {props.head.map((text) => (
            <th scope="col">{text}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {props.rows.map((row) => (
          <tr>
            {row.map((cell) => (
              <td>{cell}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);

type Field = Readonly<{ name: string; schema: Schema; isOptional: boolean }>;

/** The object that a schema is, or is a list of, or is unless it is null. */
function findObject(schema: Schema): Schema | undefined {
  const inner = schema.items ?? schema.anyOf?.find(({ properties }) => properties !== undefined);
  const found = inner ?? schema;
  return found.properties === undefined ? undefined : found;
}

/** The members of an object, and those of the objects in it below their own, as `error.code`. */
function listFields({ properties = {}, required = [] }: Schema, prefix = ''): Field[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const path = prefix + name + (schema.items === undefined ? '' : '[]');
    const inside = findObject(schema);
    return [
      { name: path, schema, isOptional: !required.includes(name) },
      ...(inside === undefined ? [] : listFields(inside, `${path}.`)),
    ];
  });
}

const Properties: FC<{ schema: Schema }> = ({ schema }) => (
  <Rows
    head={['Field', 'Type', 'Description']}
    rows={listFields(schema).map((field) => [
      <>
        <code>{field.name}</code>
        {field.isOptional && <small> optional</small>}
      </>,
      <span class="schema">
        <TypeName schema={field.schema} />
      </span>,
      <Description text={field.schema.description} errorCodes={[]} />,
    ])}
  />
);

const Example: FC<{ value: unknown }> = ({ value }) => (
  <pre tabindex={0}>
    <code>{JSON.stringify(value, null, 2)}</code>
  </pre>
);

const ContentTypes: FC<{ content: Content }> = ({ content }) => (
  <>
    {Object.entries(content).map(([mediaType, { schema, example }]) => (
      <>
        <p>
          <code>{mediaType}</code>: <TypeName schema={schema} />
          {schema?.description !== undefined && `. ${schema.description}`}
        </p>
        {schema?.properties !== undefined && <Properties schema={schema} />}
        {example !== undefined && <Example value={example} />}
      </>
    ))}
  </>
);

/** Headers of every answer, or of every error, which the tables of endpoints leave out. */
const COMMON_HEADERS = ['x-request-id', 'request-id', 'x-should-retry', 'link'];

const OperationSection: FC<Listed & Readonly<{ errorCodes: readonly string[] }>> = ({
  method,
  path,
  operation,
  errorCodes,
}) => {
  const { summary, description, parameters = [], requestBody, responses = {} } = operation;
  const answerExamples = Object.values(responses).flatMap(({ content = {} }) =>
    Object.values(content).flatMap(({ example }) => (example === undefined ? [] : [example])),
  );
  return (
    <>
      <h2 id={toHeadingId(`${method} ${path}`)}>{summary ?? path}</h2>
      <p>
        <code>{`${method.toUpperCase()} ${path}`}</code>
      </p>
      {description !== undefined && (
        <p>
          <Description text={description} errorCodes={errorCodes} />
        </p>
      )}
      {parameters.length > 0 && (
        <Rows
          head={['Parameter', 'In', 'Description']}
          rows={parameters.map((parameter) => [
            <code>{parameter.name}</code>,
            parameter.in,
            <Description text={parameter.description} errorCodes={errorCodes} />,
          ])}
        />
      )}
      {requestBody?.content !== undefined && (
        <>
          <h3 id={toHeadingId(`${method} ${path} body`)}>Body</h3>
          <ContentTypes content={requestBody.content} />
        </>
      )}
      <h3 id={toHeadingId(`${method} ${path} responses`)}>Responses</h3>
      <Rows
        head={['Status', 'Description', 'Content', 'Headers']}
        rows={Object.entries(responses).map(([status, answer]) => [
          <code>{status}</code>,
          <Description text={answer.description} errorCodes={errorCodes} />,
          <AnswerContent content={answer.content ?? {}} />,
          Object.keys(answer.headers ?? {})
            .filter((name) => !COMMON_HEADERS.includes(name))
            .join(', '),
        ])}
      />
      {answerExamples.map((example) => (
        <Example value={example} />
      ))}
    </>
  );
};

const AnswerContent: FC<{ content: Content }> = ({ content }) => (
  <>
    {Object.entries(content).map(([mediaType, { schema }]) => (
      <span>
        {`${mediaType}: `}
        <TypeName schema={schema} />{' '}
      </span>
    ))}
  </>
);

const NamedSchema: FC<Readonly<{ name: string; schema: Schema }>> = ({ name, schema }) => (
  <>
    <h3 id={`schema-${name.toLowerCase()}`}>{name}</h3>
    {schema.description !== undefined && (
      <p>
        <Description text={schema.description} errorCodes={[]} />
      </p>
    )}
    {schema.properties === undefined ? (
      <p class="schema">
        <TypeName schema={schema} />
      </p>
    ) : (
      <Properties schema={schema} />
    )}
  </>
);

function listOperations(document: OpenApi): Listed[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
}

function toMarkdown(document: OpenApi): string {
  const lines = listOperations(document).map(
    ({ method, path, operation }) =>
      `- \`${method.toUpperCase()} ${path}\`: ${operation.summary ?? ''}${operation.description === undefined ? '' : `. ${operation.description}`}`,
  );
  return [document.info.description ?? '', '', ...lines, '', 'Every shape: /openapi.json'].join(
    '\n',
  );
}

/** The endpoints with links to their sections, by their tag. */
const Overview: FC<{ operations: readonly Listed[] }> = ({ operations }) => {
  const byTag = Map.groupBy(operations, ({ operation }) => operation.tags?.[0] ?? '');
  return (
    <>
      {[...byTag].map(([tag, listed]) => (
        <>
          <p>
            <strong>{tag}</strong>
          </p>
          <ul>
            {listed.map(({ method, path, operation }) => (
              <li>
                <a href={`#${toHeadingId(`${method} ${path}`)}`}>
                  <code>{`${method.toUpperCase()} ${path}`}</code>
                </a>{' '}
                {operation.summary ?? ''}
              </li>
            ))}
          </ul>
        </>
      ))}
    </>
  );
};

export function renderApiReference(document: OpenApi): Rendered {
  const operations = listOperations(document);
  const errorCodes = (document.components.schemas.ErrorCode?.enum ?? []).map(String);
  const html = (
    <>
      <p>
        <Description text={document.info.description} errorCodes={errorCodes} />
      </p>
      <p>
        The same as a document for programs: <a href="/openapi.json">OpenAPI 3.1</a>. Every error
        code has <a href="/docs/errors">a page</a>.
      </p>
      <Overview operations={operations} />
      {operations.map((listed) => (
        <OperationSection {...listed} errorCodes={errorCodes} />
      ))}
      <h2 id="headers">Headers</h2>
      <p>
        Every answer has <code>x-request-id</code> and <code>request-id</code>; every error also{' '}
        <code>x-should-retry</code> and, where there is a public site, <code>link</code>.
      </p>
      <Rows
        head={['Header', 'Description']}
        rows={Object.entries(document.components.headers).map(([name, { description }]) => [
          <code>{name}</code>,
          <Description text={description} errorCodes={errorCodes} />,
        ])}
      />
      <h2 id="schemas">Schemas</h2>
      {Object.entries(document.components.schemas).map(([name, schema]) => (
        <NamedSchema name={name} schema={schema} />
      ))}
    </>
  );
  return { html: String(html), markdown: toMarkdown(document) };
}
