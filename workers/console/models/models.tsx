/**
 * The Models and prices screen: every model of the catalog in effect that can be called, with its
 * prices now, per million tokens, its context and when the price was last confirmed.
 */
import { isRetired, type Model, resolvePrices } from '@farebox/catalog';
import {
  Badge,
  Card,
  EmptyState,
  Field,
  formatCount,
  formatCurrency,
  SelectField,
  SlashedName,
} from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { type NanoUsd, NO_USAGE, parseTypedUsd, STANDARD_TERMS } from '@farebox/money';
import { getProviderName, PROVIDER_IDS } from '@farebox/providers/list';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { describeAmbiguity } from '../ambiguous-number.ts';
import { getCatalog } from '../keys/offered-models.ts';
import { page } from '../layout.tsx';
import { requireSignIn, type SignedInEnv } from '../session.ts';

type LocaleProps = Readonly<{ messages: Messages; language: string }>;

/** A model with its prices in nano-USD per million tokens at the standard terms. */
type PricedModel = Readonly<{
  model: Model;
  input: bigint;
  cacheRead: bigint;
  cacheWrite: bigint;
  output: bigint;
  /** Something beside tokens has a price: images, seconds, characters, searches. */
  hasOtherPrices: boolean;
}>;

function toPricedModel(model: Model, at: number): PricedModel {
  const { prices, surchargePrices } = resolvePrices(model, { ...STANDARD_TERMS, at }, NO_USAGE);
  const { input_uncached: input, cache_read: cacheRead, cache_write_5m: cacheWrite } = prices;
  const hasOtherPrices = Object.values(surchargePrices).some((price) => price > 0n);
  return { model, input, cacheRead, cacheWrite, output: prices.output, hasOtherPrices };
}

type ModelQuery = Readonly<{
  provider: string | undefined;
  name: string;
  /** The highest price of output, in nano-USD per million tokens. */
  maxOutput: NanoUsd | undefined;
}>;

const MAX_NAME_LENGTH = 100;

/** Invalid filters are ignored; the form says so of an ambiguous one. */
function parseModelQuery(query: (name: string) => string | undefined): ModelQuery {
  const provider = query('provider');
  const maxOutput = parseTypedUsd(query('max') ?? '');
  return {
    provider: PROVIDER_IDS.find((known) => known === provider),
    name: (query('name') ?? '').trim().toLowerCase().slice(0, MAX_NAME_LENGTH),
    maxOutput: maxOutput.ok ? maxOutput.amount : undefined,
  };
}

function matches({ model, output }: PricedModel, query: ModelQuery): boolean {
  const { provider, name, maxOutput } = query;
  if (provider !== undefined && model.provider !== provider) return false;
  if (maxOutput !== undefined && output > maxOutput) return false;
  return `${model.name} ${model.displayName}`.toLowerCase().includes(name);
}

const ModelFilter: FC<{ query: ModelQuery; max: string; messages: Messages }> = (props) => {
  const { query, max, messages } = props;
  const { models: t, calls } = messages;
  const options = PROVIDER_IDS.map((id) => ({
    value: id,
    text: getProviderName(id),
    selected: id === query.provider,
  }));
  return (
    <form method="get" action="/models" class="card filters">
      <Field name="name" label={t.name} value={query.name} maxlength={MAX_NAME_LENGTH} />
      <SelectField name="provider" label={t.provider} allLabel={calls.all} options={options} />
      <Field
        name="max"
        label={t.maxOutput}
        value={max}
        problem={describeAmbiguity(max, messages)}
        inputmode="decimal"
        maxlength={24}
      />
      <p>
        <button type="submit">{calls.filter}</button>
      </p>
    </form>
  );
};

const ModelName: FC<LocaleProps & { model: Model }> = ({ model, messages, language }) => {
  const { models: t } = messages;
  const { retiresOn } = model.lifecycle;
  return (
    <>
      <code class="row-link">
        <SlashedName name={model.name} />
      </code>{' '}
      {retiresOn !== null ? (
        <Badge kind="warn">{t.retires(retiresOn)}</Badge>
      ) : (
        model.deprecated && <Badge>{t.deprecated}</Badge>
      )}
      <span class="second">
        {model.displayName}
        <span class="phone-only">
          {' · '}
          {t.context} {formatCount(model.contextWindow, language)}
        </span>
      </span>
    </>
  );
};

/** Exact: a rounded price would differ from that of the bill. */
const Price: FC<{ price: bigint; none: string; language: string; classes: string }> = (props) => (
  <td class={`number ${props.price === 0n ? 'words ' : ''}${props.classes}`}>
    {props.price === 0n ? props.none : formatCurrency(props.price, props.language)}
  </td>
);

const NO_PRICE = '–';

/** What stands for a price of zero: another unit, nothing to pay, or no such price. */
function describeNoTokenPrice(priced: PricedModel, messages: Messages, language: string): string {
  if (priced.input > 0n || priced.output > 0n) return NO_PRICE;
  return priced.hasOtherPrices ? messages.models.otherUnit : formatCurrency(0n, language);
}

const Prices: FC<LocaleProps & { priced: PricedModel }> = ({ priced, messages, language }) => {
  const { input, cacheRead, cacheWrite, output } = priced;
  const none = describeNoTokenPrice(priced, messages, language);
  return (
    <>
      <Price price={input} none={none} language={language} classes="" />
      <Price price={cacheRead} none={NO_PRICE} language={language} classes="from-desktop" />
      <Price price={cacheWrite} none={NO_PRICE} language={language} classes="from-desktop" />
      <Price price={output} none={none} language={language} classes="" />
    </>
  );
};

const ModelTable: FC<LocaleProps & { models: readonly PricedModel[]; caption: string }> = (
  props,
) => {
  const { models, caption, messages, language } = props;
  const { models: t } = messages;
  const headers = [
    [t.context, 'from-tablet'],
    [t.input, ''],
    [t.cacheRead, 'from-desktop'],
    [t.cacheWrite, 'from-desktop'],
    [t.output, ''],
  ] as const;
  return (
    <table>
      <caption>{caption}</caption>
      <thead>
        <tr>
          <th scope="col">{t.model}</th>
          {headers.map(([text, classes]) => (
            <th scope="col" class={`number ${classes}`}>
              {text}
            </th>
          ))}
          <th scope="col" class="from-desktop">
            {t.confirmed}
          </th>
        </tr>
      </thead>
      <tbody>
        {models.map((priced) => (
          <tr>
            <th scope="row">
              <ModelName model={priced.model} messages={messages} language={language} />
            </th>
            <td class="number from-tablet">{formatCount(priced.model.contextWindow, language)}</td>
            <Prices priced={priced} messages={messages} language={language} />
            <td class="from-desktop">
              {priced.model.provenance.confirmedOn ?? priced.model.provenance.sourceDate}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
};

export const modelRoutes = new Hono<SignedInEnv>();
modelRoutes.use('/models', requireSignIn);

modelRoutes.get('/models', async (c) => {
  const { deps, messages, language } = c.var;
  const { models: t } = messages;
  const now = deps.identity.now();
  const query = parseModelQuery((name) => c.req.query(name));
  const catalog = await getCatalog(deps);
  const shown = catalog
    .listModels(PROVIDER_IDS)
    .filter((model) => !isRetired(model, now))
    .map((model) => toPricedModel(model, now))
    .filter((model) => matches(model, query))
    .sort((a, b) => (a.model.name < b.model.name ? -1 : 1));
  const current = shown.filter(({ model }) => !model.deprecated);
  const deprecated = shown.filter(({ model }) => model.deprecated);
  const locale = { messages, language };
  return page(
    c,
    { title: messages.nav.models, activePath: '/models', wide: true },
    <>
      <p>{t.intro}</p>
      <ModelFilter query={query} max={c.req.query('max') ?? ''} messages={messages} />
      <Card id="models" title={t.count(formatCount(shown.length, language))}>
        {shown.length === 0 && (
          <EmptyState text={t.none}>
            <p>
              <a href="/models">{messages.calls.clearFilters}</a>
            </p>
          </EmptyState>
        )}
        {current.length > 0 && <ModelTable {...locale} models={current} caption={t.perMillion} />}
        {deprecated.length > 0 && (
          <details open={current.length === 0}>
            <summary>{t.deprecatedModels(formatCount(deprecated.length, language))}</summary>
            <ModelTable {...locale} models={deprecated} caption={t.perMillion} />
          </details>
        )}
      </Card>
    </>,
  );
});
