/**
 * The operators' own door, on their own host: whoever knocks is vouched for by Cloudflare Access on every
 * single request, also for a stylesheet. What is not listed here does not exist there, the people's
 * screens least of all.
 */
import { formBodyLimit, ICON, reportBodyLimit, STYLE } from '@farebox/design';
import { Hono, type MiddlewareHandler } from 'hono';
import { account } from './account.tsx';
import { accountActions } from './account-actions.tsx';
import { adjustments } from './adjustments.tsx';
import { auditLog } from './audit-log.tsx';
import { deposit } from './deposit.tsx';
import { deposits } from './deposits.tsx';
import { health } from './health.tsx';
import { errorPage } from './layout.tsx';
import { type OperatorEnv, ownForms, requireAccess } from './operator-auth.ts';
import { accountSearch } from './search.tsx';

/** One form takes a file. */
const bodyLimits: MiddlewareHandler<OperatorEnv> = function bodyLimits(c, next) {
  return (c.req.path === '/operators/deposits' ? reportBodyLimit : formBodyLimit)(c, next);
};

export const operators = new Hono<OperatorEnv>();
operators.use(requireAccess, bodyLimits, ownForms);
operators.get('/style.css', (c) =>
  c.body(STYLE, 200, { 'content-type': 'text/css; charset=utf-8', 'cache-control': 'no-store' }),
);
operators.get('/icon.svg', (c) =>
  c.body(ICON, 200, { 'content-type': 'image/svg+xml', 'cache-control': 'no-store' }),
);
operators.route('/', accountSearch);
operators.route('/', account);
operators.route('/', accountActions);
operators.route('/', adjustments);
operators.route('/', deposits);
operators.route('/', deposit);
operators.route('/', health);
operators.route('/', auditLog);
operators.all('*', (c) => errorPage(c, 'unknown'));

/** Left to the console's door, which says nothing of an error. */
operators.onError((error) => {
  throw error;
});
