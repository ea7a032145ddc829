/**
 * Changes of the catalog by operators: validated, compared price by price, and reviewed by a second
 * operator where a price moves far. The operators' Worker and `npm run catalog` use it.
 */
export { type CatalogChange, type ChangeResult, parseChange } from './catalog-change.ts';
export { parseMoment } from './moment.ts';
export { comparePrices, type MoveLimit, type PriceMove } from './price-moves.ts';
export { buildNameChange, buildPriceChange, type NamedModel, PRICE_KEYS } from './small-changes.ts';
export {
  acceptChange,
  type ChangeDeps,
  type InvalidChange,
  type PreparedChange,
  prepareChange,
  readListInEffect,
  type SubmitResult,
  submitChange,
} from './workflow.ts';
