/**
 * The layout of every page: for signed-in users the sidebar with the balance, for visitors a bar.
 * Pages work without scripts. Text from users or rows is always a JSX child, which hono/jsx escapes.
 */
import { listOpenNotifications } from '@farebox/database/email';
import { Balance, Brand, Frame, HtmlDocument, htmlResponse, type MenuGroup } from '@farebox/design';
import { LANGUAGE_NAMES, LANGUAGES, type Messages } from '@farebox/i18n';
import type { SessionUser } from '@farebox/identity';
import type { AccountStatus } from '@farebox/ledger';
import { logEvent } from '@farebox/telemetry';
import type { Context } from 'hono';
import type { Child, FC } from 'hono/jsx';
import { NAV_GROUPS, NAV_ITEMS, type ScreenPath } from './navigation.ts';
import { getRequestPath, type PageVariables } from './session.ts';

export type PageOptions = Readonly<{
  /** The title without the product's name. */
  title: string;
  /** The item of the main menu that this page belongs to. */
  activePath?: ScreenPath;
  /** What stands beside the heading: presets, buttons. */
  actions?: Child;
  /** Names in scripts.ts. The page has to work without them. */
  scripts?: readonly string[];
  /** Lets the page use the full width, for tables. */
  wide?: boolean;
  status?: 200 | 400 | 403 | 404 | 409 | 422 | 429 | 503;
}>;

/** What the frame shows of the account. */
type FrameData = Readonly<{ status: AccountStatus | null; openNotifications: number }>;

const MAX_COUNTED_NOTIFICATIONS = 10;

/**
 * Loads the balance and the number of open notifications. Where the account object can't be asked,
 * the page still appears, without its balance: signing out or revoking a key must not depend on it.
 */
async function loadFrameData({ deps }: PageVariables, user: SessionUser): Promise<FrameData> {
  const { account } = user;
  try {
    const [status, notifications] = await Promise.all([
      deps.accounts.status(account),
      listOpenNotifications(deps.identity.db, account, MAX_COUNTED_NOTIFICATIONS),
    ]);
    return { status, openNotifications: notifications.length };
  } catch {
    logEvent({ event: 'unexpected', where: 'console', call: null });
    return { status: null, openNotifications: 0 };
  }
}

function toMenuGroups(
  messages: Messages,
  activePath: ScreenPath | undefined,
  openNotifications: number,
): readonly MenuGroup[] {
  const isMax = openNotifications >= MAX_COUNTED_NOTIFICATIONS;
  const alertBadge = {
    text: isMax ? `${MAX_COUNTED_NOTIFICATIONS - 1}+` : String(openNotifications),
    meaning: messages.layout.openAlerts,
  };
  return NAV_GROUPS.map((group) => ({
    title: group === null ? null : messages.layout.menuGroups[group],
    items: NAV_ITEMS.filter((item) => item.group === group).map(({ path, screen, icon }) => ({
      path,
      icon,
      label: messages.nav[screen],
      current: path === activePath,
      badge: path === '/alerts' && openNotifications > 0 ? alertBadge : undefined,
    })),
  }));
}

const LanguageForm: FC<{ vars: PageVariables; returnTo: string }> = ({ vars, returnTo }) => (
  <form method="post" action="/language">
    <input type="hidden" name="back" value={returnTo} />
    {LANGUAGES.map((code) => (
      <button
        type="submit"
        name="language"
        value={code}
        lang={code}
        disabled={code === vars.language}
      >
        {LANGUAGE_NAMES[code]}
      </button>
    ))}
  </form>
);

type FrameViewProps = Readonly<{ vars: PageVariables; returnTo: string }>;

const AppFrame: FC<
  FrameViewProps &
    Readonly<{ user: SessionUser; data: FrameData; activePath: ScreenPath | undefined }>
> = ({ vars, user, data, activePath, returnTo }) => {
  const { messages, language } = vars;
  const { layout } = messages;
  const { status } = data;
  return (
    <Frame
      brand={{ href: '/', name: 'Farebox' }}
      menuLabel={layout.mainMenu}
      openMenuLabel={layout.openMenu}
      groups={toMenuGroups(messages, activePath, data.openNotifications)}
      balance={
        status === null
          ? null
          : {
              name: messages.overview.available,
              amount: <Balance amount={status.posted - status.held} language={language} />,
              action: messages.nav.topUp,
              href: '/top-up',
            }
      }
      account={
        <>
          <span>{user.email}</span>
          <LanguageForm vars={vars} returnTo={returnTo} />
          <form method="post" action="/sign-out">
            <button type="submit">{layout.signOut}</button>
          </form>
        </>
      }
    />
  );
};

const PublicHeader: FC<{ messages: Messages }> = ({ messages: { layout } }) => (
  <header class="bar">
    <Brand href="/" name="Farebox" />
    <nav aria-label={layout.mainMenu}>
      <a href="/sign-in">{layout.signIn}</a>
      <a class="button" href="/sign-up">
        {layout.signUp}
      </a>
    </nav>
  </header>
);

/**
 * Where a change of language leads back to. The address of a posted form may have no page of its
 * own, or one that is used up; its screen has.
 */
function getLanguageReturnPath(c: Context, activePath: ScreenPath | undefined): string {
  const path = getRequestPath(c);
  return c.req.method === 'GET' ? path : (activePath ?? path);
}

/** Answers with a whole page. */
export async function page<E extends { Variables: PageVariables }>(
  c: Context<E>,
  options: PageOptions,
  body: Child,
): Promise<Response> {
  const vars: PageVariables = c.var;
  const { user, messages } = vars;
  const returnTo = getLanguageReturnPath(c, options.activePath);
  const frameProps = { vars, returnTo };
  const data = user === null ? null : await loadFrameData(vars, user);
  return htmlResponse(
    c,
    <HtmlDocument
      language={vars.language}
      title={`${options.title} · Farebox`}
      heading={options.title}
      actions={options.actions}
      skipLink={messages.layout.skipToContent}
      layout={user === null ? 'public' : 'app'}
      header={
        user === null || data === null ? (
          <PublicHeader messages={messages} />
        ) : (
          <AppFrame {...frameProps} user={user} data={data} activePath={options.activePath} />
        )
      }
      footer={
        user === null ? (
          <footer>
            <LanguageForm {...frameProps} />
          </footer>
        ) : null
      }
      scripts={options.scripts?.map((name) => `/scripts/${name}.js`)}
      wide={options.wide}
    >
      {body}
    </HtmlDocument>,
    options.status ?? 200,
  );
}
