/**
 * The console's routes: pages for users, webhooks, and static files. Plain HTTP is answered outside
 * of loopback only with a redirect; pages load no inline script and may not be framed.
 */
import { MissingBindingError } from '@farebox/bindings';
import { csrfProtection, formBodyLimit, ICON, STYLE, secureTransport } from '@farebox/design';
import { logEvent } from '@farebox/telemetry';
import { Hono } from 'hono';
import { callRoutes } from './calls/calls.tsx';
import { getDeps } from './deps.ts';
import { designGuideRoutes } from './design-guide/design-guide.tsx';
import { keyRoutes } from './keys/keys.tsx';
import { landingPage } from './landing/landing.tsx';
import { languageRoutes } from './language.ts';
import { sesWebhook } from './mail/ses-webhook.ts';
import { unsubscribeRoutes } from './mail/unsubscribe.tsx';
import { modelRoutes } from './models/models.tsx';
import { notFoundPage } from './not-found.tsx';
import { notificationRoutes } from './notifications/notifications.tsx';
import { webhookRoutes } from './notifications/webhooks/webhooks.tsx';
import { overviewPage } from './overview/overview.tsx';
import { playgroundRoutes } from './playground/playground.tsx';
import { privacyRoutes } from './privacy/privacy.tsx';
import { confirmEmailRoutes } from './recovery/confirm-email.tsx';
import { resetPasswordRoutes } from './recovery/reset-password.tsx';
import { SCRIPTS } from './scripts.ts';
import { secretScanningWebhook } from './secret-scanning/webhook.ts';
import { changeEmailRoutes } from './security/change-email.tsx';
import { changePasswordRoutes } from './security/change-password.tsx';
import { passkeyRoutes } from './security/passkeys.tsx';
import { recoveryCodeRoutes } from './security/recovery-codes.tsx';
import { securityRoutes } from './security/security.tsx';
import { totpRoutes } from './security/totp.tsx';
import { loadSession, type PublicEnv } from './session.ts';
import { reauthRoutes } from './sign-in/reauthenticate.tsx';
import { signInRoutes } from './sign-in/sign-in.tsx';
import { twoFactorRoutes } from './sign-in/two-factor.tsx';
import { signUpRoutes } from './sign-up/sign-up.tsx';
import { topUpRoutes } from './top-up/top-up.tsx';
import { confirmRefundRoutes, refundRoutes } from './transactions/refunds/refunds.tsx';
import { transactionRoutes } from './transactions/transactions.tsx';
import { unexpectedErrorPage } from './unexpected-error.tsx';
import { usageRoutes } from './usage/usage.tsx';
import { verifyRoutes } from './verify/verify.tsx';

/** The playground's script is the only one that calls another origin: the API. */
const secureConsole = secureTransport<PublicEnv>((c) => {
  const api = URL.parse(c.env.API_URL ?? '');
  return api === null ? [] : [api.origin];
});

const requireSameOrigin = csrfProtection<PublicEnv>((c) => c.var.deps.consoleUrl.origin);

/** Static files, the same for every visitor. */
const staticFiles = new Hono<PublicEnv>();
const SHORT_CACHE = { 'cache-control': 'public, max-age=300' };
staticFiles.get('/style.css', (c) =>
  c.body(STYLE, 200, { 'content-type': 'text/css; charset=utf-8', ...SHORT_CACHE }),
);
staticFiles.get('/icon.svg', (c) =>
  c.body(ICON, 200, { 'content-type': 'image/svg+xml', ...SHORT_CACHE }),
);
staticFiles.get('/scripts/:file', (c) => {
  const name = c.req.param('file').replace(/\.js$/, '');
  const script = Object.hasOwn(SCRIPTS, name) ? SCRIPTS[name] : undefined;
  if (script === undefined) return c.text('There is no such script.', 404);
  return c.body(script, 200, { 'content-type': 'text/javascript; charset=utf-8', ...SHORT_CACHE });
});
/** Checks the bindings only. It calls no other system, so it can't be used to put load on one. */
staticFiles.get('/healthz', (c) => {
  getDeps(c.env);
  c.header('cache-control', 'no-store');
  return c.json({ status: 'ok' });
});

/** The pages. Each request loads the session and passes the CSRF check. */
const pages = new Hono<PublicEnv>();
pages.use(formBodyLimit, loadSession, requireSameOrigin);
pages.route('/', languageRoutes);
for (const routes of [
  signUpRoutes,
  signInRoutes,
  twoFactorRoutes,
  resetPasswordRoutes,
  confirmEmailRoutes,
  confirmRefundRoutes,
]) {
  pages.route('/', routes);
}
for (const routes of [
  reauthRoutes,
  securityRoutes,
  changePasswordRoutes,
  changeEmailRoutes,
  totpRoutes,
  passkeyRoutes,
  recoveryCodeRoutes,
]) {
  pages.route('/', routes);
}
pages.route('/', designGuideRoutes);
pages.route('/', modelRoutes);
pages.route('/', usageRoutes);
pages.route('/', callRoutes);
pages.route('/', transactionRoutes);
pages.route('/', verifyRoutes);
pages.route('/', notificationRoutes);
pages.route('/', webhookRoutes);
pages.route('/', playgroundRoutes);
pages.route('/', keyRoutes);
pages.route('/', privacyRoutes);
pages.route('/', topUpRoutes);
pages.route('/', refundRoutes);
pages.get('/', (c) => (c.var.user === null ? landingPage(c) : overviewPage(c)));
pages.all('*', notFoundPage);

export const app = new Hono<PublicEnv>();
app.use(secureConsole);
app.route('/', secretScanningWebhook);
app.route('/', sesWebhook);
app.route('/', unsubscribeRoutes);
app.route('/', staticFiles);
app.route('/', pages);

/** The message of an unexpected error may contain anything, so it is neither shown nor logged. */
app.onError((error, c) => {
  if (error instanceof MissingBindingError) return c.text('The console is not set up.', 503);
  logEvent({ event: 'unexpected', where: 'console', call: null });
  return unexpectedErrorPage(c);
});
