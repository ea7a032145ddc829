/**
 * The screens of a signed-in user, in the order of the main menu. A screen is a folder with its
 * routes, a line in app.ts, an item here, and its name in every language under the same key.
 */
import type { Messages } from '@farebox/i18n';

export type NavItem = Readonly<{ path: string; screen: keyof Messages['nav'] }>;

export const NAV_ITEMS = [
  { path: '/', screen: 'overview' },
  { path: '/usage', screen: 'usage' },
  { path: '/calls', screen: 'calls' },
  { path: '/keys', screen: 'keys' },
  { path: '/top-up', screen: 'topUp' },
  { path: '/transactions', screen: 'transactions' },
  { path: '/alerts', screen: 'notifications' },
  { path: '/playground', screen: 'playground' },
  { path: '/security', screen: 'security' },
  { path: '/rights', screen: 'privacy' },
] as const satisfies readonly NavItem[];

export type ScreenPath = (typeof NAV_ITEMS)[number]['path'];
