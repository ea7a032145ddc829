/** The page for paths that do not exist and for objects of other accounts. */
import type { Context } from 'hono';
import { page } from './layout.tsx';
import type { PageVariables } from './session.ts';

export function notFoundPage<E extends { Variables: PageVariables }>(
  c: Context<E>,
): Response | Promise<Response> {
  const { messages }: PageVariables = c.var;
  const { layout } = messages;
  return page(
    c,
    { title: layout.notFound, status: 404 },
    <>
      <p>{layout.notFoundText}</p>
      <p>
        <a class="button plain" href="/">
          {layout.toHome}
        </a>
      </p>
    </>,
  );
}
