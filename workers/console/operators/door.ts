/**
 * The operators' own door, on their own host: whoever knocks is vouched for by Cloudflare Access on every
 * single request, also for a stylesheet. What is not listed here does not exist there, the people's
 * screens least of all.
 */
import { Hono, type MiddlewareHandler } from 'hono';
import { reportBodies, smallBodies } from '../forms.ts';
import { ICON, STYLE } from '../style.ts';
import { account } from './account.tsx';
import { adjustments } from './adjustments.tsx';
import { chain } from './chain.tsx';
import { deposit } from './deposit.tsx';
import { deposits } from './deposits.tsx';
import { find } from './find.tsx';
import { refusedPage } from './frame.tsx';
import { health } from './health.tsx';
import { moves } from './moves.tsx';
import { ownPagesOnly, type Staff, vouchedFor } from './staff.ts';

/** One form takes a file. */
const sizedBodies: MiddlewareHandler<Staff> = function sizedBodies(c, next) {
  return (c.req.path === '/operators/deposits' ? reportBodies : smallBodies)(c, next);
};

export const operators = new Hono<Staff>();
operators.use(vouchedFor, sizedBodies, ownPagesOnly);
operators.get('/style.css', (c) =>
  c.body(STYLE, 200, { 'content-type': 'text/css; charset=utf-8', 'cache-control': 'no-store' }),
);
operators.get('/icon.svg', (c) =>
  c.body(ICON, 200, { 'content-type': 'image/svg+xml', 'cache-control': 'no-store' }),
);
operators.route('/', find);
operators.route('/', account);
operators.route('/', moves);
operators.route('/', adjustments);
operators.route('/', deposits);
operators.route('/', deposit);
operators.route('/', health);
operators.route('/', chain);
operators.all('*', (c) => refusedPage(c, 'unknown'));

/** Left to the console's door, which says nothing of an error. */
operators.onError((error) => {
  throw error;
});
