/** The scripts that pages load by name. Each is a file, because the policy allows no inline one. */
import { ANALYTICS_SCRIPT } from '../scripts/analytics.script.ts';
import { PRICES_SCRIPT } from '../scripts/prices.script.ts';
import { SEARCH_SCRIPT } from '../scripts/search.script.ts';

export const SITE_SCRIPTS: Readonly<Record<string, string>> = {
  prices: PRICES_SCRIPT,
  search: SEARCH_SCRIPT,
  analytics: ANALYTICS_SCRIPT,
};
