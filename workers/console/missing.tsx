/** The page that there is not. */
import type { Context } from 'hono';
import { page } from './page.tsx';
import type { Visit } from './visitor.ts';

export function missing<E extends { Variables: Visit }>(
  c: Context<E>,
): Response | Promise<Response> {
  const { texts } = c.var;
  return page(c, { title: texts.frame.notFound, status: 404 }, <p>404</p>);
}
