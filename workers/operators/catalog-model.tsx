/** One model of the catalog with its versions, and the forms that change it. */
import { findMargin, findModelById, type ListedModel, RELEASED } from '@farebox/catalog';
import { PRICE_KEYS, readListInEffect } from '@farebox/catalog-changes';
import { type CatalogModelVersion, listModelVersions } from '@farebox/database/catalog';
import { Field, formatCount } from '@farebox/design';
import { addMargin } from '@farebox/money';
import { Hono } from 'hono';
import type { FC, PropsWithChildren } from 'hono/jsx';
import { auditView } from './audited-action.ts';
import { EffectiveField, formatBasisPoints, formatPrice } from './catalog-components.tsx';
import { describeConditions } from './describe-conditions.ts';
import { errorPage, Fact, operatorPage, Table, Timestamp } from './layout.tsx';
import type { OperatorEnv } from './operator-auth.ts';

const MAX_VERSIONS = 50;
const ACTIVE = { activePath: '/operators/catalog' } as const;

type Named = Readonly<{ provider: string; id: string }>;

export const catalogModel = new Hono<OperatorEnv>();

/** The page that a price was taken from. An operator's own citation may be anything. */
const Citation: FC<{ citation: string | null }> = ({ citation }) =>
  citation?.startsWith('https://') === true ? (
    <a href={citation} rel="noreferrer">
      {citation}
    </a>
  ) : (
    (citation ?? '–')
  );

type PricedModel = Readonly<{ model: ListedModel; marginBasisPoints: number }>;

const Facts: FC<PricedModel> = ({ model, marginBasisPoints }) => (
  <dl class="facts">
    <Fact name="Name">{model.displayName}</Fact>
    <Fact name="Names in requests">{model.names.join(', ')}</Fact>
    <Fact name="Context window">{`${formatCount(model.limits.context, 'en')} tokens`}</Fact>
    <Fact name="Output limit">{`${formatCount(model.limits.output, 'en')} tokens`}</Fact>
    <Fact name="Margin">{formatBasisPoints(marginBasisPoints)}</Fact>
    <Fact name="Released">{model.lifecycle.released ?? '–'}</Fact>
    <Fact name="Retires on">{model.lifecycle.retiresOn ?? '–'}</Fact>
    <Fact name="Source">{`${model.provenance.source}, ${model.provenance.sourceDate}`}</Fact>
    <Fact name="Confirmed at the provider on">{model.provenance.confirmedOn ?? '–'}</Fact>
    <Fact name="Citation">
      <Citation citation={model.provenance.citation} />
    </Fact>
    <Fact name="Sources differ">{model.provenance.disputed ? 'yes' : 'no'}</Fact>
  </dl>
);

const Prices: FC<PricedModel> = ({ model, marginBasisPoints }) => (
  <>
    <Table
      caption="Prices in USD per million"
      headers={['Rule', 'Holds', 'Of', 'Provider’s price', 'With the margin']}
    >
      {model.prices.flatMap(({ id, when, prices }) =>
        PRICE_KEYS.filter((key) => prices[key] !== undefined).map((key) => (
          <tr>
            <th scope="row">{id}</th>
            <td>{describeConditions(when)}</td>
            <td>{key}</td>
            <td>{formatPrice(BigInt(prices[key] ?? 0))}</td>
            <td>{formatPrice(addMargin(BigInt(prices[key] ?? 0), BigInt(marginBasisPoints)))}</td>
          </tr>
        )),
      )}
    </Table>
    <Table caption="Factors" headers={['Factor', 'Holds', 'Multiplies by']}>
      {model.factors.map(({ id, when, numerator, denominator }) => (
        <tr>
          <th scope="row">{id}</th>
          <td>{describeConditions(when)}</td>
          <td>{`${numerator}/${denominator}`}</td>
        </tr>
      ))}
    </Table>
  </>
);

const Versions: FC<{ versions: readonly CatalogModelVersion[] }> = ({ versions }) => (
  <Table
    caption="Versions by operators, newest first"
    headers={['Version', 'In effect from', 'State', 'By', 'Approved by', 'Reason', 'Definition']}
  >
    {versions.map((row) => (
      <tr>
        <th scope="row">{row.version}</th>
        <td>
          <Timestamp at={row.effectiveAt} />
        </td>
        <td>{row.status}</td>
        <td>{row.author}</td>
        <td>{row.approvedBy ?? '–'}</td>
        <td>{row.reason}</td>
        <td>
          {row.definition === null ? (
            '–'
          ) : (
            <details>
              <summary>JSON</summary>
              <pre>{JSON.stringify(row.definition, null, 2)}</pre>
            </details>
          )}
        </td>
      </tr>
    ))}
  </Table>
);

/** A form that leads to the preview of one kind of change. */
const ChangeForm: FC<
  PropsWithChildren<{ kind: string; title: string; named?: Named; isPlain?: boolean }>
> = ({ kind, title, named, isPlain, children }) => (
  <form method="post" action="/operators/catalog/preview">
    <h2>{title}</h2>
    <input type="hidden" name="kind" value={kind} />
    {named !== undefined && <input type="hidden" name="provider" value={named.provider} />}
    {named !== undefined && <input type="hidden" name="model" value={named.id} />}
    {children}
    <EffectiveField />
    <p>
      <button type="submit" class={isPlain ? 'plain' : undefined}>
        Preview
      </button>
    </p>
  </form>
);

const Select: FC<{ name: string; label: string; options: readonly string[] }> = (props) => (
  <p class="field">
    <label for={props.name}>{props.label}</label>
    <select id={props.name} name={props.name}>
      {props.options.map((option) => (
        <option value={option}>{option}</option>
      ))}
    </select>
  </p>
);

const DefinitionField: FC<{ definition: unknown }> = ({ definition }) => (
  <p class="field">
    <label for="definition">Definition (JSON)</label>
    <small id="definition-hint" class="hint">
      Prices are whole numbers of nano-USD per million: 2500000000 is $2.50. What is left out takes
      its default; id, limits and prices are required.
    </small>
    <textarea
      id="definition"
      name="definition"
      rows={24}
      spellcheck={false}
      required
      aria-describedby="definition-hint"
    >
      {JSON.stringify(definition, null, 2)}
    </textarea>
  </p>
);

const Forms: FC<{ named: Named; model: ListedModel; isChanged: boolean }> = (props) => {
  const { named, model, isChanged } = props;
  return (
    <>
      <ChangeForm kind="price" title="Change a price" named={named}>
        <Select name="rule" label="Rule" options={model.prices.map(({ id }) => id)} />
        <Select name="key" label="Of" options={PRICE_KEYS} />
        <Field
          name="usd"
          label="The provider’s price in USD per million"
          inputmode="decimal"
          required
          autocomplete="off"
        />
      </ChangeForm>
      <ChangeForm kind="alias" title="Add a name" named={named}>
        <Field name="alias" label="Name" required maxlength={150} autocomplete="off" />
      </ChangeForm>
      <ChangeForm kind="definition" title="Change the definition" named={named}>
        <DefinitionField definition={model} />
      </ChangeForm>
      <ChangeForm kind="withdrawn" title="Withdraw the model" named={named} isPlain />
      {isChanged && (
        <ChangeForm
          kind="released"
          title="Return to the release’s price list"
          named={named}
          isPlain
        />
      )}
    </>
  );
};

const TEMPLATE = {
  id: 'model-id',
  names: ['model-id'],
  displayName: 'Model',
  limits: { context: 200_000, output: 32_000 },
  prices: [
    {
      id: 'standard',
      when: {},
      prices: { input_uncached: 1_000_000_000, cache_read: 100_000_000, output: 5_000_000_000 },
    },
  ],
  provenance: {
    source: 'operators',
    sourceDate: '2026-01-31',
    confirmedOn: null,
    citation: 'https://',
    disputed: false,
  },
};

catalogModel.get('/operators/catalog/new', async (c) => {
  const permission = 'change_catalog';
  const view = { action: 'view_catalog_form', permission, subject: null } as const;
  if (!(await auditView(c, view))) return errorPage(c, 'not_permitted');
  return operatorPage(
    c,
    { title: 'Add a model', ...ACTIVE },
    <ChangeForm kind="definition" title="Definition">
      <Select name="provider" label="Provider" options={RELEASED.providers.map(({ id }) => id)} />
      <DefinitionField definition={TEMPLATE} />
    </ChangeForm>,
  );
});

catalogModel.get('/operators/catalog/models/:provider/:id{.+}', async (c) => {
  const { db, now } = c.var.deps;
  const named = { provider: c.req.param('provider'), id: c.req.param('id') };
  const list = await readListInEffect({ db, released: RELEASED }, now());
  const model = findModelById(list, named);
  const versions = await listModelVersions(db, named, MAX_VERSIONS);
  const isKnown = model !== undefined || versions.length > 0;
  const reason = isKnown ? `${named.provider}/${named.id}` : 'unknown model';
  const permission = 'view_catalog';
  const view = { action: 'view_catalog_model', permission, subject: null, reason } as const;
  if (!(await auditView(c, view))) return errorPage(c, 'not_permitted');
  if (!isKnown) return errorPage(c, 'not_found');
  const mayChange = c.var.operator.permissions.has('change_catalog');
  const marginBasisPoints = findMargin(list.margins, named.provider, named.id);
  return operatorPage(
    c,
    { title: `${named.provider}/${named.id}`, ...ACTIVE },
    <>
      {model === undefined && <p>This model is withdrawn.</p>}
      {model !== undefined && <Facts model={model} marginBasisPoints={marginBasisPoints} />}
      {model !== undefined && <Prices model={model} marginBasisPoints={marginBasisPoints} />}
      <Versions versions={versions} />
      {model !== undefined && mayChange && (
        <Forms named={named} model={model} isChanged={versions.length > 0} />
      )}
      {model === undefined && mayChange && (
        <ChangeForm
          kind="released"
          title="Return to the release’s price list"
          named={named}
          isPlain
        />
      )}
    </>,
  );
});
