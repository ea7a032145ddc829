/**
 * The API reference, rendered from docs/openapi.json: no script, no framework. It shows what the
 * document has, in its order.
 */
import type { Child, FC } from 'hono/jsx';
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
  summary?: string;
  description?: string;
  parameters?: readonly Parameter[];
  requestBody?: Readonly<{ required?: boolean; content?: Content }>;
  responses?: Readonly<Record<string, Answer>>;
}>;
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

const Properties: FC<{ schema: Schema }> = ({ schema }) => (
  <Rows
    head={['Field', 'Type', 'Description']}
    rows={Object.entries(schema.properties ?? {}).map(([name, property]) => [
      <>
        <code>{name}</code>
        {schema.required?.includes(name) !== true && <small> optional</small>}
      </>,
      <span class="schema">
        <TypeName schema={property} />
      </span>,
      <>{property.description ?? ''}</>,
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
          {schema?.description !== undefined && ` ${schema.description}`}
        </p>
        {schema?.properties !== undefined && <Properties schema={schema} />}
        {example !== undefined && <Example value={example} />}
      </>
    ))}
  </>
);

/** Headers of every answer, or of every error, which the tables of endpoints leave out. */
const COMMON_HEADERS = ['x-request-id', 'request-id', 'x-should-retry', 'link'];

const OperationSection: FC<Readonly<{ method: string; path: string; operation: Operation }>> = ({
  method,
  path,
  operation,
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
      {description !== undefined && <p>{description}</p>}
      {parameters.length > 0 && (
        <Rows
          head={['Parameter', 'In', 'Description']}
          rows={parameters.map((parameter) => [
            <code>{parameter.name}</code>,
            parameter.in,
            parameter.description ?? '',
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
          answer.description ?? '',
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
    {schema.description !== undefined && <p>{schema.description}</p>}
    {schema.properties === undefined ? (
      <p class="schema">
        <TypeName schema={schema} />
      </p>
    ) : (
      <Properties schema={schema} />
    )}
  </>
);

type Listed = Readonly<{ method: string; path: string; operation: Operation }>;

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

export function renderApiReference(document: OpenApi): Rendered {
  const html = (
    <>
      <p>{document.info.description}</p>
      <p>
        <a href="/openapi.json">OpenAPI 3.1 document</a>
      </p>
      {listOperations(document).map((listed) => (
        <OperationSection {...listed} />
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
          description,
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
