/** The page that there is not. */
import type { Context } from 'hono';
import { page } from './page.tsx';
import type { Anybody } from './visitor.ts';

export function missing(c: Context<Anybody>): Response | Promise<Response> {
  const { texts } = c.var;
  return page(c, { title: texts.frame.notFound, status: 404 }, <p>404</p>);
}
