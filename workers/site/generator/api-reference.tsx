/**
 * The API reference, rendered from docs/openapi.json: no script, no framework. It shows what the
 * document has, in its order: an index, a page per tag, and one of what endpoints share.
 */
import type { Language } from '@farebox/i18n';
import type { Child, FC } from 'hono/jsx';
import { siteMessagesFor } from '../texts/index.ts';
import { splitCodes, translateApiText } from './api-texts.ts';
import { toErrorUrlPath } from './error-paths.ts';
import { toHeadingId } from './markdown.ts';
import { type Rendered, toUrlPath } from './page.ts';

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
  examples?: readonly unknown[];
}>;
type Parameter = Readonly<{
  name: string;
  in: 'path' | 'query' | 'header';
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
  tags: readonly Readonly<{ name: string; description?: string }>[];
  paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  components: Readonly<{
    schemas: Readonly<Record<string, Schema>>;
    headers: Readonly<Record<string, Readonly<{ description: string }>>>;
  }>;
  'x-errors'?: Readonly<Record<string, ErrorFacts>>;
}>;

/** What stands between backticks, and the words in which an error code can be. */
const CODE_SPAN = /(`[^`]+`|\b[a-z]+(?:_[a-z]+)+\b)/;

/** Who reads, and which codes have a page. */
type Reader = Readonly<{ language: Language; errorCodes: readonly string[] }>;

/** Text with its code, and its error codes as links to their pages. */
const Marked: FC<Readonly<{ text: string; reader: Reader }>> = ({ text, reader }) => (
  <>
    {text.split(CODE_SPAN).map((part) => {
      if (reader.errorCodes.includes(part))
        return (
          <a href={toErrorUrlPath(part, reader.language)}>
            <code>{part}</code>
          </a>
        );
      return part.startsWith('`') ? <code>{part.slice(1, -1)}</code> : part;
    })}
  </>
);

/** A description in the reader's language, with the codes of a status behind it. */
const Description: FC<Readonly<{ text: string | undefined; reader: Reader }>> = ({
  text: whole = '',
  reader,
}) => {
  const { text, codes } = splitCodes(whole);
  const { codes: listCodes } = siteMessagesFor(reader.language).api;
  return (
    <>
      <Marked text={translateApiText(text, reader.language)} reader={reader} />
      {codes !== null && <Marked text={` ${listCodes(codes)}`} reader={reader} />}
    </>
  );
};

/** The page of a tag, or of a word that is none: `schemas` has what endpoints share. */
export function toReferencePath(tag: string): string {
  return `/docs/api/${tag.toLowerCase()}`;
}

export const SCHEMAS_PATH = toReferencePath('schemas');

function toSchemaId(name: string): string {
  return `schema-${name.toLowerCase()}`;
}

function toSchemaUrl(name: string, language: Language): string {
  return `${toUrlPath(language, SCHEMAS_PATH)}#${toSchemaId(name)}`;
}

function getSchemaName(reference: string): string {
  return reference.split('/').at(-1) ?? reference;
}

/** Describes a schema in a few words, with links to named ones. */
const TypeName: FC<Readonly<{ schema: Schema | undefined; language: Language }>> = ({
  schema,
  language,
}) => {
  if (schema === undefined) return <>any</>;
  if (schema.$ref !== undefined) {
    const name = getSchemaName(schema.$ref);
    return <a href={toSchemaUrl(name, language)}>{name}</a>;
  }
  const alternatives = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (alternatives !== undefined) {
    return (
      <>
        {alternatives.map((one, index) => (
          <>
            {index > 0 && ' | '}
            <TypeName schema={one} language={language} />
          </>
        ))}
      </>
    );
  }
  if (schema.items !== undefined) {
    return (
      <>
        array of <TypeName schema={schema.items} language={language} />
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
    <table class="stacked">
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
            {row.map((cell, index) => (
              <td data-label={props.head[index]}>{cell}</td>
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

const Properties: FC<Readonly<{ schema: Schema; reader: Reader }>> = ({ schema, reader }) => {
  const { api: t } = siteMessagesFor(reader.language);
  return (
    <Rows
      head={[t.field, t.type, t.meaning]}
      rows={listFields(schema).map((field) => [
        <>
          <code>{field.name}</code>
          {field.isOptional && <small> {t.optional}</small>}
        </>,
        <span class="schema">
          <TypeName schema={field.schema} language={reader.language} />
        </span>,
        <Description text={field.schema.description} reader={{ ...reader, errorCodes: [] }} />,
      ])}
    />
  );
};

/** An example is long, so it opens on demand. */
const Example: FC<Readonly<{ value: unknown; reader: Reader }>> = ({ value, reader }) => (
  <details>
    <summary>{siteMessagesFor(reader.language).api.example}</summary>
    <pre tabindex={0}>
      <code>{JSON.stringify(value, null, 2)}</code>
    </pre>
  </details>
);

const ContentTypes: FC<Readonly<{ content: Content; reader: Reader }>> = ({ content, reader }) => (
  <>
    {Object.entries(content).map(([mediaType, { schema, example }]) => (
      <>
        <p>
          <code>{mediaType}</code>: <TypeName schema={schema} language={reader.language} />
          {schema?.description !== undefined && (
            <>
              {'. '}
              <Description text={schema.description} reader={reader} />
            </>
          )}
        </p>
        {schema?.properties !== undefined && <Properties schema={schema} reader={reader} />}
        {example !== undefined && <Example value={example} reader={reader} />}
      </>
    ))}
  </>
);

/** Headers of every answer, or of every error, which the tables of endpoints leave out. */
const COMMON_HEADERS = ['x-request-id', 'request-id', 'x-should-retry', 'link'];

const Parameters: FC<Readonly<{ parameters: readonly Parameter[]; reader: Reader }>> = ({
  parameters,
  reader,
}) => {
  const { api: t } = siteMessagesFor(reader.language);
  return (
    <Rows
      head={[t.parameter, t.place, t.meaning]}
      rows={parameters.map((parameter) => [
        <code>{parameter.name}</code>,
        t.places[parameter.in],
        <Description text={parameter.description} reader={reader} />,
      ])}
    />
  );
};

const Responses: FC<Readonly<{ responses: Readonly<Record<string, Answer>>; reader: Reader }>> = ({
  responses,
  reader,
}) => {
  const { api: t } = siteMessagesFor(reader.language);
  const examples = Object.values(responses).flatMap(({ content = {} }) =>
    Object.values(content).flatMap(({ example }) => (example === undefined ? [] : [example])),
  );
  return (
    <>
      <Rows
        head={[t.status, t.meaning, t.content, t.headers]}
        rows={Object.entries(responses).map(([status, answer]) => [
          <code>{status}</code>,
          <Description text={answer.description} reader={reader} />,
          <AnswerContent content={answer.content ?? {}} language={reader.language} />,
          Object.keys(answer.headers ?? {})
            .filter((name) => !COMMON_HEADERS.includes(name))
            .join(', '),
        ])}
      />
      {examples.map((example) => (
        <Example value={example} reader={reader} />
      ))}
    </>
  );
};

const OperationSection: FC<Listed & Readonly<{ reader: Reader }>> = ({
  method,
  path,
  operation,
  reader,
}) => {
  const { summary = path, description, parameters = [], requestBody, responses = {} } = operation;
  const { api: t } = siteMessagesFor(reader.language);
  return (
    <>
      <h2 id={toHeadingId(`${method} ${path}`)}>{translateApiText(summary, reader.language)}</h2>
      <p>
        <code>{`${method.toUpperCase()} ${path}`}</code>
      </p>
      {description !== undefined && (
        <p>
          <Description text={description} reader={reader} />
        </p>
      )}
      {parameters.length > 0 && <Parameters parameters={parameters} reader={reader} />}
      {requestBody?.content !== undefined && (
        <>
          <h3 id={toHeadingId(`${method} ${path} body`)}>{t.body}</h3>
          <ContentTypes content={requestBody.content} reader={reader} />
        </>
      )}
      <h3 id={toHeadingId(`${method} ${path} responses`)}>{t.responses}</h3>
      <Responses responses={responses} reader={reader} />
    </>
  );
};

const AnswerContent: FC<Readonly<{ content: Content; language: Language }>> = ({
  content,
  language,
}) => (
  <>
    {Object.entries(content).map(([mediaType, { schema }]) => (
      <span>
        {`${mediaType}: `}
        <TypeName schema={schema} language={language} />{' '}
      </span>
    ))}
  </>
);

type NamedSchemaProps = Readonly<{ name: string; schema: Schema; reader: Reader }>;

const NamedSchema: FC<NamedSchemaProps> = ({ name, schema, reader }) => (
  <>
    <h3 id={toSchemaId(name)}>{name}</h3>
    {schema.description !== undefined && (
      <p>
        <Description text={schema.description} reader={{ ...reader, errorCodes: [] }} />
      </p>
    )}
    {schema.properties === undefined ? (
      <p class="schema">
        <TypeName schema={schema} language={reader.language} />
      </p>
    ) : (
      <Properties schema={schema} reader={reader} />
    )}
    {(schema.examples ?? []).map((example) => (
      <Example value={example} reader={reader} />
    ))}
  </>
);

function listOperations(document: OpenApi): Listed[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
}

function listTagged(document: OpenApi, tag: string): Listed[] {
  return listOperations(document).filter(({ operation }) => operation.tags?.[0] === tag);
}

const toName = ({ method, path }: Listed) => `${method.toUpperCase()} ${path}`;

function toOperationUrl(listed: Listed, language: Language): string {
  const page = toUrlPath(language, toReferencePath(listed.operation.tags?.[0] ?? ''));
  return `${page}#${toHeadingId(toName(listed))}`;
}

/**
 * The endpoints of a tag with links to their sections. `isIndex` marks those of the index, which has
 * the anchors of the days when the reference was one page.
 */
const EndpointList: FC<
  Readonly<{ operations: readonly Listed[]; language: Language; isIndex?: boolean }>
> = ({ operations, language, isIndex = false }) => (
  <ul>
    {operations.map((listed) => (
      <li id={isIndex ? toHeadingId(toName(listed)) : undefined}>
        <a href={toOperationUrl(listed, language)}>
          <code>{toName(listed)}</code>
        </a>{' '}
        {translateApiText(listed.operation.summary ?? '', language)}
      </li>
    ))}
  </ul>
);

/** Where else the reference is: the document, and the pages of errors. */
const OtherForms: FC<{ language: Language }> = ({ language }) => {
  const { api: t } = siteMessagesFor(language);
  const links = new Map<string, Child>([
    ['{openapi}', <a href="/openapi.json">OpenAPI 3.1</a>],
    ['{errors}', <a href={toUrlPath(language, '/docs/errors')}>{t.errorsPage}</a>],
  ]);
  return <p>{t.asDocument.split(/(\{\w+\})/).map((part) => links.get(part) ?? part)}</p>;
};

const Index: FC<Readonly<{ document: OpenApi; reader: Reader }>> = ({ document, reader }) => {
  const { language } = reader;
  const { api: t } = siteMessagesFor(language);
  return (
    <>
      <p>
        <Description text={document.info.description} reader={reader} />
      </p>
      <OtherForms language={language} />
      {document.tags.map(({ name }) => (
        <>
          <h2>
            <a href={toUrlPath(language, toReferencePath(name))}>
              {translateApiText(name, language)}
            </a>
          </h2>
          <EndpointList operations={listTagged(document, name)} language={language} isIndex />
        </>
      ))}
      <h2 id="schemas">
        <a href={toUrlPath(language, SCHEMAS_PATH)}>{t.shared}</a>
      </h2>
      <ul>
        {Object.keys(document.components.schemas).map((name) => (
          <li id={toSchemaId(name)}>
            <a href={toSchemaUrl(name, language)}>{name}</a>
          </li>
        ))}
      </ul>
    </>
  );
};

const TagReference: FC<Readonly<{ document: OpenApi; tag: string; reader: Reader }>> = (props) => {
  const { document, tag, reader } = props;
  const operations = listTagged(document, tag);
  const description = document.tags.find(({ name }) => name === tag)?.description;
  return (
    <>
      <p>
        <Description text={description} reader={reader} />
      </p>
      <EndpointList operations={operations} language={reader.language} />
      {operations.map((listed) => (
        <OperationSection {...listed} reader={reader} />
      ))}
    </>
  );
};

const SharedReference: FC<Readonly<{ document: OpenApi; reader: Reader }>> = (props) => {
  const { document, reader } = props;
  const { api: t } = siteMessagesFor(reader.language);
  return (
    <>
      <h2 id="headers">{t.headers}</h2>
      <p>
        <Marked text={t.commonHeaders} reader={reader} />
      </p>
      <Rows
        head={[t.header, t.meaning]}
        rows={Object.entries(document.components.headers).map(([name, { description }]) => [
          <code>{name}</code>,
          <Description text={description} reader={reader} />,
        ])}
      />
      <h2 id="schemas">{t.schemas}</h2>
      {Object.entries(document.components.schemas).map(([name, schema]) => (
        <NamedSchema name={name} schema={schema} reader={reader} />
      ))}
    </>
  );
};

function toReader(document: OpenApi, language: Language): Reader {
  const errorCodes = (document.components.schemas.ErrorCode?.enum ?? []).map(String);
  return { language, errorCodes };
}

/** The page that lists every endpoint and every schema. */
export function renderApiIndex(document: OpenApi, language: Language): Rendered {
  const lines = document.tags.flatMap(({ name }) => [
    '',
    `## ${translateApiText(name, language)}`,
    '',
    ...listTagged(document, name).map((listed) => {
      const summary = translateApiText(listed.operation.summary ?? '', language);
      return `- [\`${toName(listed)}\`](${toOperationUrl(listed, language)}): ${summary}`;
    }),
  ]);
  const introduction = translateApiText(document.info.description ?? '', language);
  return {
    html: String(<Index document={document} reader={toReader(document, language)} />),
    markdown: [introduction, ...lines, '', siteMessagesFor(language).api.every].join('\n'),
  };
}

/** The page of one tag. In Markdown an endpoint is a section, as search finds it. */
export function renderTag(document: OpenApi, tag: string, language: Language): Rendered {
  const sections = listTagged(document, tag).map((listed) => {
    const { summary = '', description } = listed.operation;
    const texts = [summary, ...(description === undefined ? [] : [description])];
    const translated = texts.map((text) => translateApiText(text, language));
    return `## ${toName(listed)}\n\n${translated.join('\n\n')}`;
  });
  return {
    html: String(
      <TagReference document={document} tag={tag} reader={toReader(document, language)} />,
    ),
    markdown: [...sections, siteMessagesFor(language).api.every].join('\n\n'),
  };
}

/** The page of what endpoints share: headers and named schemas. */
export function renderShared(document: OpenApi, language: Language): Rendered {
  const { api: t } = siteMessagesFor(language);
  const names = Object.keys(document.components.schemas).map((name) => `- ${name}`);
  return {
    html: String(<SharedReference document={document} reader={toReader(document, language)} />),
    markdown: [t.commonHeaders, '', ...names, '', t.every].join('\n'),
  };
}
