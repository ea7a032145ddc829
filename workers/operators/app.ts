/**
 * The routes of the operators' application. Cloudflare Access vouches for the operator on every
 * request, also for the stylesheet; a request for another host is answered 404.
 */
import { MissingBindingError } from '@farebox/bindings';
import { formBodyLimit, ICON, reportBodyLimit, STYLE, secureTransport } from '@farebox/design';
import { logEvent } from '@farebox/telemetry';
import { Hono, type MiddlewareHandler } from 'hono';
import { account } from './account.tsx';
import { accountActions } from './account-actions.tsx';
import { adjustments } from './adjustments.tsx';
import { auditLog } from './audit-log.tsx';
import { catalog } from './catalog.tsx';
import { catalogChanges } from './catalog-changes.tsx';
import { catalogModel } from './catalog-model.tsx';
import { corrections } from './corrections.tsx';
import { deposit } from './deposit.tsx';
import { deposits } from './deposits.tsx';
import { health } from './health.tsx';
import { incidents } from './incidents.tsx';
import { errorPage } from './layout.tsx';
import {
  type OperatorEnv,
  requireAccess,
  requireHost,
  requireSameOrigin,
} from './operator-auth.ts';
import { parity } from './parity.tsx';
import { refunds } from './refunds.tsx';
import { accountSearch } from './search.tsx';

/** The form with the treasury's report takes a file; all others are small. */
const bodyLimits: MiddlewareHandler<OperatorEnv> = function bodyLimits(c, next) {
  return (
    ['/operators/deposits', '/operators/refunds'].includes(c.req.path)
      ? reportBodyLimit
      : formBodyLimit
  )(c, next);
};

export const app = new Hono<OperatorEnv>();
app.use(secureTransport<OperatorEnv>(), requireHost, requireAccess, bodyLimits, requireSameOrigin);
app.get('/style.css', (c) =>
  c.body(STYLE, 200, { 'content-type': 'text/css; charset=utf-8', 'cache-control': 'no-store' }),
);
app.get('/icon.svg', (c) =>
  c.body(ICON, 200, { 'content-type': 'image/svg+xml', 'cache-control': 'no-store' }),
);
app.route('/', accountSearch);
app.route('/', account);
app.route('/', accountActions);
app.route('/', adjustments);
app.route('/', corrections);
app.route('/', refunds);
app.route('/', deposits);
app.route('/', deposit);
app.route('/', catalog);
app.route('/', catalogModel);
app.route('/', catalogChanges);
app.route('/', parity);
app.route('/', health);
app.route('/', incidents);
app.route('/', auditLog);
app.all('*', (c) => errorPage(c, 'not_found'));

/** The text of an unexpected error may hold anything, so it is dropped, not logged. */
app.onError((error, c) => {
  if (error instanceof MissingBindingError) {
    return c.text('The operators’ application is not set up.', 503);
  }
  logEvent({ event: 'unexpected', where: 'operators', call: null });
  return c.text('Something went wrong on our end. Your request wasn’t saved.', 500);
});
