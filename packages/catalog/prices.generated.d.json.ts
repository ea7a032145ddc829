/** The type of `prices.generated.json`; price-list-parser.test.ts shows that the file has it. */
import type { PriceList } from './price-list.ts';

declare const list: PriceList;
export = list;
