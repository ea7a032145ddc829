/**
 * The frame around the pages of an application: on a wide screen a sidebar, on a phone a bar with
 * the balance and the same menu as a popover. The menu is a popover without a script: its button
 * opens it, Escape and a tap outside close it (HTML, `popovertarget`).
 */
import { raw } from 'hono/html';
import type { Child, FC } from 'hono/jsx';
import { MARK_SHAPES } from './stylesheet.ts';

/** 24 by 24 outlines, drawn with the color of the text. */
const ICONS = {
  home: 'M3 10.5 12 3l9 7.5V20a1 1 0 0 1-1 1h-5v-6H9v6H4a1 1 0 0 1-1-1z',
  key: 'M11 13 20 4m-4 4 3 3M8 20a4 4 0 1 1 0-8 4 4 0 0 1 0 8z',
  chat: 'M4 5h16v11H10l-5 4v-4H4z',
  list: 'M4 6h16M4 12h16M4 18h10',
  chart: 'M4 20V10m6 10V4m6 16v-7m5 7H3',
  rows: 'M8 6h13M8 12h13M8 18h13M3.5 6h.01m0 6h-.01m.01 6h-.01',
  bell: 'M6 17v-6a6 6 0 0 1 12 0v6l1.5 2h-15zm4 4h4',
  plus: 'M12 5v14m-7-7h14',
  book: 'M5 4h12a2 2 0 0 1 2 2v14H7a2 2 0 0 1-2-2zm0 14a2 2 0 0 1 2-2h12',
  lock: 'M6 11h12v9H6zm2.5 0V8a3.5 3.5 0 0 1 7 0v3',
  shield: 'M12 3l8 3v6c0 5-3.5 8-8 9-4.5-1-8-4-8-9V6z',
  search: 'M11 18a7 7 0 1 1 0-14 7 7 0 0 1 0 14zm5-2 5 5',
  menu: 'M4 7h16M4 12h16M4 17h16',
} as const;

export type IconName = keyof typeof ICONS;

export const Icon: FC<{ name: IconName }> = ({ name }) => (
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
    <path d={ICONS[name]} />
  </svg>
);

export const Brand: FC<Readonly<{ href: string; name: string }>> = ({ href, name }) => (
  <a class="brand" href={href}>
    <svg viewBox="0 0 32 32" aria-hidden="true">
      {raw(MARK_SHAPES)}
    </svg>
    {name}
  </a>
);

export type MenuItem = Readonly<{
  path: string;
  label: string;
  icon: IconName;
  current: boolean;
  /** What is open there, such as the number of alerts, with its meaning for screen readers. */
  badge?: Readonly<{ text: string; meaning: string }> | undefined;
}>;
export type MenuGroup = Readonly<{ title: string | null; items: readonly MenuItem[] }>;

export type FrameProps = Readonly<{
  brand: Readonly<{ href: string; name: string }>;
  /** The name of the menu for screen readers. */
  menuLabel: string;
  openMenuLabel: string;
  groups: readonly MenuGroup[];
  /** The balance with the way to add to it; null where it is unknown or does not apply. */
  balance: Readonly<{ name: string; amount: Child; action: string; href: string }> | null;
  /** Who is signed in, languages, sign-out. */
  account: Child;
}>;

const Group: FC<{ group: MenuGroup }> = ({ group: { title, items } }) => (
  <>
    {title !== null && <h2>{title}</h2>}
    <ul>
      {items.map(({ path, label, icon, current, badge }) => (
        <li>
          <a href={path} aria-current={current ? 'page' : undefined}>
            <Icon name={icon} />
            {label}
            {badge !== undefined && (
              <span class="badge warn">
                {badge.text} <span class="hidden-text">{badge.meaning}</span>
              </span>
            )}
          </a>
        </li>
      ))}
    </ul>
  </>
);

export const Frame: FC<FrameProps> = (props) => {
  const { brand, menuLabel, openMenuLabel, groups, balance, account } = props;
  return (
    <>
      <header class="bar">
        <Brand {...brand} />
        {balance !== null && (
          <a class="balance" href={balance.href}>
            <span class="hidden-text">{balance.name}: </span>
            {balance.amount}
            <Icon name="plus" />
            <span class="hidden-text">{balance.action}</span>
          </a>
        )}
        <button class="plain" type="button" popovertarget="menu">
          <Icon name="menu" />
          <span class="hidden-text">{openMenuLabel}</span>
        </button>
      </header>
      <nav id="menu" class="menu" popover="auto" aria-label={menuLabel}>
        <Brand {...brand} />
        {balance !== null && (
          <div class="balance">
            <dl>
              <dt>{balance.name}</dt>
              <dd>{balance.amount}</dd>
            </dl>
            <a class="button" href={balance.href}>
              <Icon name="plus" />
              {balance.action}
            </a>
          </div>
        )}
        {groups.map((group) => (
          <Group group={group} />
        ))}
        <div class="account">{account}</div>
      </nav>
    </>
  );
};
