/** The catalog: its models, margins, versions, and the changes that wait for a second operator. */
import { type ListedModel, type PriceList, RELEASED, toMarginScope } from '@farebox/catalog';
import { readListInEffect } from '@farebox/catalog-changes';
import { listCatalogVersions, listOpenCatalogProposals } from '@farebox/database/catalog';
import { Field } from '@farebox/design';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { auditView } from './audited-action.ts';
import { EffectiveField, formatBasisPoints, formatPrice } from './catalog-components.tsx';
import { errorPage, Fact, operatorPage, Table, Timestamp } from './layout.tsx';
import type { OperatorContext, OperatorEnv } from './operator-auth.ts';

const MAX_SHOWN = 100;

export const catalog = new Hono<OperatorEnv>();

type ListedRow = Readonly<{ provider: string; model: ListedModel }>;

function basePrice(model: ListedModel, key: 'input_uncached' | 'output'): string {
  const base = model.prices.find(({ when }) => Object.keys(when).length === 0);
  const price = base?.prices[key];
  return formatPrice(price === undefined ? null : BigInt(price));
}

function isReleased(row: ListedRow): boolean {
  const models = RELEASED.providers.find(({ id }) => id === row.provider)?.models ?? [];
  return models.includes(row.model);
}

function findModels(list: PriceList, query: string): readonly ListedRow[] {
  const text = query.trim().toLowerCase();
  const rows = list.providers.flatMap(({ id, models }) =>
    models.map((model) => ({ provider: id, model })),
  );
  if (text === '') return rows.filter((row) => !isReleased(row));
  return rows.filter(({ provider, model }) =>
    [model.id, ...model.names].some((name) => `${provider}/${name}`.includes(text)),
  );
}

const Models: FC<{ rows: readonly ListedRow[]; caption: string }> = ({ rows, caption }) => (
  <Table
    caption={caption}
    headers={['Model', 'Input', 'Output', 'Source', 'Confirmed on', 'Changed by operators']}
  >
    {rows.slice(0, MAX_SHOWN).map((row) => (
      <tr>
        <th scope="row">
          <a href={`/operators/catalog/models/${row.provider}/${row.model.id}`}>
            {`${row.provider}/${row.model.id}`}
          </a>
        </th>
        <td>{basePrice(row.model, 'input_uncached')}</td>
        <td>{basePrice(row.model, 'output')}</td>
        <td>{`${row.model.provenance.source}, ${row.model.provenance.sourceDate}`}</td>
        <td>{row.model.provenance.confirmedOn ?? '–'}</td>
        <td>{isReleased(row) ? '–' : 'yes'}</td>
      </tr>
    ))}
  </Table>
);

const Search: FC<{ query: string }> = ({ query }) => (
  <form method="get" action="/operators/catalog">
    <Field
      name="q"
      label="Find a model"
      hint="Part of a name, such as openai/ or sonnet."
      value={query}
      autocomplete="off"
    />
    <p>
      <button type="submit">Find</button>
    </p>
  </form>
);

async function Proposals({ c }: { c: OperatorContext }) {
  const open = await listOpenCatalogProposals(c.var.deps.db, MAX_SHOWN);
  return (
    <Table
      caption="Changes that wait for a second operator"
      headers={['Change', 'Proposed by', 'At', 'Reason']}
    >
      {open.map(({ id, author, proposedAt, reason }) => (
        <tr>
          <th scope="row">
            <a href={`/operators/catalog/changes/${id}`}>{id}</a>
          </th>
          <td>{author}</td>
          <td>
            <Timestamp at={proposedAt} />
          </td>
          <td>{reason}</td>
        </tr>
      ))}
    </Table>
  );
}

async function Versions({ c }: { c: OperatorContext }) {
  const versions = await listCatalogVersions(c.var.deps.db, 20);
  return (
    <Table
      caption="Latest versions"
      headers={['Version', 'In effect from', 'By', 'Approved by', 'Reason']}
    >
      {versions.map(({ version, effectiveAt, author, approvedBy, reason }) => (
        <tr>
          <th scope="row">{version}</th>
          <td>
            <Timestamp at={effectiveAt} />
          </td>
          <td>{author}</td>
          <td>{approvedBy ?? '–'}</td>
          <td>{reason}</td>
        </tr>
      ))}
    </Table>
  );
}

const Margins: FC<{ list: PriceList; mayChange: boolean }> = ({ list, mayChange }) => (
  <>
    <Table caption="Margins" headers={['Of', 'Margin']}>
      {list.margins.map((rule) => (
        <tr>
          <th scope="row">{toMarginScope(rule)}</th>
          <td>{formatBasisPoints(rule.basisPoints)}</td>
        </tr>
      ))}
    </Table>
    {mayChange && (
      <form method="post" action="/operators/catalog/preview">
        <input type="hidden" name="kind" value="margin" />
        <Field
          name="scope"
          label="Margin of"
          hint="top_ups, all, a provider such as openai, or a model such as openai/gpt-6-sol."
          required
          autocomplete="off"
        />
        <Field
          name="basis_points"
          label="Basis points"
          hint="Hundredths of a percent: 250 is 2.5%. 0 removes the margin."
          inputmode="numeric"
          required
          autocomplete="off"
        />
        <EffectiveField />
        <p>
          <button type="submit">Preview</button>
        </p>
      </form>
    )}
  </>
);

catalog.get('/operators/catalog', async (c) => {
  const view = { action: 'view_catalog', permission: 'view_catalog', subject: null } as const;
  if (!(await auditView(c, view))) return errorPage(c, 'not_permitted');
  const { db, now } = c.var.deps;
  const list = await readListInEffect({ db, released: RELEASED }, now());
  const query = c.req.query('q') ?? '';
  const rows = findModels(list, query);
  const mayChange = c.var.operator.permissions.has('change_catalog');
  const caption = query === '' ? 'Models changed by operators' : 'Models found';
  return operatorPage(
    c,
    { title: 'Catalog', activePath: '/operators/catalog' },
    <>
      <dl class="facts">
        <Fact name="Price list in effect">{list.version}</Fact>
        <Fact name="Date of the newest source">{list.date}</Fact>
      </dl>
      <Proposals c={c} />
      <Search query={query} />
      <Models rows={rows} caption={caption} />
      {rows.length > MAX_SHOWN && <p>{`The first ${MAX_SHOWN} of ${rows.length} are shown.`}</p>}
      {mayChange && (
        <p>
          <a href="/operators/catalog/new">Add a model</a>
        </p>
      )}
      <Margins list={list} mayChange={mayChange} />
      <Versions c={c} />
    </>,
  );
});
