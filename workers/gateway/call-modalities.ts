/**
 * What a conversation hears, speaks and draws. Its tokens cost more than those of text: without a
 * price of their own, or at an endpoint whose usage does not tell them from text, they would be
 * billed as text. Pure.
 */
import { type Model, resolvePrices, standardTerms } from '@farebox/catalog';
import type { RequestError, RequestFacts } from '@farebox/dialects';
import { NO_USAGE } from '@farebox/money';
import type { Provider } from '@farebox/providers';

type Modality = Readonly<{ isPriced: boolean; field: string; words: string }>;

function listAsked(facts: RequestFacts, model: Model, now: number): readonly Modality[] {
  const { prices, surchargePrices } = resolvePrices(model, standardTerms(now), NO_USAGE);
  const { audio_input = 0n, audio_output = 0n, image_output = 0n } = surchargePrices;
  // Some models hear at the price of text.
  const hears = audio_input > prices.input_uncached || model.capabilities.audioInput === true;
  const spoken = { isPriced: hears, field: 'messages.input_audio', words: 'spoken input' };
  const speaks = audio_output > prices.output;
  const draws = image_output > prices.output;
  return [
    ...(facts.mayHaveAudioInput ? [spoken] : []),
    ...(facts.mayHaveAudioOutput
      ? [{ isPriced: speaks, field: 'modalities', words: 'spoken output' }]
      : []),
    ...(facts.mayHaveImageOutput
      ? [{ isPriced: draws, field: 'modalities', words: 'image output' }]
      : []),
  ];
}

/** Returns why a modality of the request can't be billed, if one can't. */
export function checkModalities(
  facts: RequestFacts,
  model: Model,
  { endpointsWithoutModalities }: Provider,
  now: number,
): RequestError | undefined {
  const isReported = endpointsWithoutModalities?.includes(facts.endpoint) !== true;
  const unpriced = listAsked(facts, model, now).find(({ isPriced }) => !isReported || !isPriced);
  if (unpriced === undefined) return undefined;
  const explanation = isReported
    ? `${model.name} has no price for ${unpriced.words}`
    : `the provider does not report ${unpriced.words} at this endpoint`;
  return { reason: 'unsupported_feature', field: unpriced.field, explanation };
}
