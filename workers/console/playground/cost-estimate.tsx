/**
 * What the playground offers without a script: an estimate of a call's cost by its model and lengths,
 * and the call for a shell. The form takes no text, so no prompt reaches the console.
 */
import { isRetired, type Model, maxPrices, resolvePrices, standardTerms } from '@farebox/catalog';
import {
  Field,
  formatCount,
  formatCurrency,
  formatRoundedCurrency,
  Note,
  SelectField,
} from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { type NanoUsd, NO_USAGE, tokenCost } from '@farebox/money';
import { PROVIDER_IDS } from '@farebox/providers/list';
import type { Context } from 'hono';
import type { FC } from 'hono/jsx';
import { getCatalog } from '../keys/offered-models.ts';
import type { SignedInEnv } from '../session.ts';
import { callByCurl, SNIPPET_MODEL } from '../snippets.ts';

const DEFAULT_INPUT = 1_000;
const DEFAULT_OUTPUT = 1_024;

/** A text has about this many bytes per token that a provider counts; a hold counts its bytes. */
const BYTES_PER_TOKEN = 4;
/** What a hold adds to the bytes of one message: its frame and a provider's preamble. */
const ADDED_HOLD_TOKENS = 2_080;

export type Estimate = Readonly<{
  models: readonly string[];
  model: string;
  /** In tokens. */
  input: number;
  output: number;
  /**
   * The cost of the input, that with all of the output, and about what is held for the call; null for
   * a model that is not listed.
   */
  costs: Readonly<{ least: NanoUsd; most: NanoUsd; held: NanoUsd }> | null;
  /** The same call for a shell. */
  shell: string;
}>;

function parseTokens(text: string | undefined, fallback: number): number {
  return text !== undefined && /^[1-9]\d{0,7}$/.test(text) ? Number(text) : fallback;
}

/** The price of input depends on its length with some models. */
function estimateCosts(model: Model, input: number, output: number, now: number) {
  const usage = { ...NO_USAGE, input_uncached: input };
  const { prices } = resolvePrices(model, standardTerms(now), usage);
  const least = tokenCost(input, prices.input_uncached);
  const most = least + tokenCost(output, prices.output);
  return { least, most, held: estimateHold(model, input, output, now) };
}

/**
 * About what is held for a call of Chat Completions. A hold is made of the bytes of a request, which
 * are not known here.
 */
function estimateHold(model: Model, input: number, output: number, now: number): NanoUsd {
  const bound = input * BYTES_PER_TOKEN + ADDED_HOLD_TOKENS;
  const maxInput = Math.min(bound, model.contextWindow);
  const { at, tier, speed, region } = standardTerms(now);
  const possible = { at, tiers: [tier], speeds: [speed], regions: [region] };
  const { prices } = maxPrices(model, possible, maxInput);
  const inputPrice = [
    prices.input_uncached,
    prices.cache_read,
    // Providers of this API cache unasked.
    prices.cache_write_5m,
    prices.cache_write_30m,
    prices.cache_write_12h,
  ].reduce((highest, price) => (price > highest ? price : highest));
  return tokenCost(maxInput, inputPrice) + tokenCost(output, prices.output);
}

export async function loadCostEstimate(c: Context<SignedInEnv>): Promise<Estimate> {
  const { deps } = c.var;
  const now = deps.identity.now();
  const catalog = await getCatalog(deps);
  const models = catalog
    .listModels(PROVIDER_IDS)
    .filter((model) => model.operations.length === 0 && !isRetired(model, now));
  const name = c.req.query('model') ?? SNIPPET_MODEL;
  const model = models.find((listed) => listed.name === name);
  const input = parseTokens(c.req.query('input'), DEFAULT_INPUT);
  const asked = parseTokens(c.req.query('limit'), DEFAULT_OUTPUT);
  const output = Math.min(asked, model?.maxOutput ?? asked);
  return {
    models: models.map((listed) => listed.name),
    model: model?.name ?? SNIPPET_MODEL,
    input,
    output,
    costs: model === undefined ? null : estimateCosts(model, input, output, now),
    shell: callByCurl(deps.apiUrl, {
      model: model?.name ?? SNIPPET_MODEL,
      max_completion_tokens: output,
    }),
  };
}

export const CostEstimate: FC<
  Readonly<{ messages: Messages; language: string; estimate: Estimate }>
> = ({ messages, language, estimate }) => {
  const { playground: t } = messages;
  const { models, model, input, output, costs, shell } = estimate;
  return (
    <>
      <p class="note warning">{t.noScript}</p>
      <form method="get" action="/playground" class="card filters">
        <SelectField
          name="model"
          label={t.model}
          options={models.map((name) => ({ value: name, text: name, selected: name === model }))}
        />
        <Field name="input" type="number" label={t.inputTokens} value={String(input)} />
        <Field name="limit" type="number" label={t.limit} value={String(output)} />
        <p>
          <button type="submit">{t.estimateCost}</button>
        </p>
      </form>
      {costs !== null && (
        <Note kind="info">
          {t.estimated(
            formatCurrency(costs.least, language),
            formatCurrency(costs.most, language),
            formatCount(output, language),
            formatRoundedCurrency(costs.held, language),
          )}
        </Note>
      )}
      <pre>{shell}</pre>
    </>
  );
};
