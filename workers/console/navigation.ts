/**
 * The screens of a signed-in user, in the order of the menu. A screen is a folder with its routes, a
 * line in app.ts, an item here, and its name in every language under the same key.
 */
import type { IconName } from '@farebox/design';
import type { Messages } from '@farebox/i18n';

/** The groups of the menu in their order; the overview stands alone above them. */
export const NAV_GROUPS = [null, 'build', 'watch', 'money', 'account'] as const;
export type NavGroup = (typeof NAV_GROUPS)[number];

export type NavItem = Readonly<{
  path: string;
  screen: keyof Messages['nav'];
  group: NavGroup;
  icon: IconName;
}>;

export const NAV_ITEMS = [
  { path: '/', screen: 'overview', group: null, icon: 'home' },
  { path: '/keys', screen: 'keys', group: 'build', icon: 'key' },
  { path: '/playground', screen: 'playground', group: 'build', icon: 'chat' },
  { path: '/models', screen: 'models', group: 'build', icon: 'list' },
  { path: '/usage', screen: 'usage', group: 'watch', icon: 'chart' },
  { path: '/calls', screen: 'calls', group: 'watch', icon: 'rows' },
  { path: '/alerts', screen: 'notifications', group: 'watch', icon: 'bell' },
  { path: '/top-up', screen: 'topUp', group: 'money', icon: 'plus' },
  { path: '/transactions', screen: 'transactions', group: 'money', icon: 'book' },
  { path: '/security', screen: 'security', group: 'account', icon: 'lock' },
  { path: '/rights', screen: 'privacy', group: 'account', icon: 'shield' },
] as const satisfies readonly NavItem[];

export type ScreenPath = (typeof NAV_ITEMS)[number]['path'];
