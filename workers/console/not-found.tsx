/** The page that there is not. */
import type { Context } from 'hono';
import { page } from './layout.tsx';
import type { PageVariables } from './session.ts';

export function notFoundPage<E extends { Variables: PageVariables }>(
  c: Context<E>,
): Response | Promise<Response> {
  const { messages } = c.var;
  return page(c, { title: messages.frame.notFound, status: 404 }, <p>404</p>);
}
