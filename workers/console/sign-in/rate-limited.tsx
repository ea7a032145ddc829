/**
 * The page for too many attempts: the time to wait and a link back. It doesn't reveal which limit
 * applied.
 */
import { Note } from '@farebox/design';
import type { RateLimited } from '@farebox/identity';
import type { Context } from 'hono';
import { page } from '../layout.tsx';
import type { PageVariables } from '../session.ts';

/** `back` is the path of the form; null where the form came with a link from an email. */
export function rateLimitedPage<E extends { Variables: PageVariables }>(
  c: Context<E>,
  { retryAfterSeconds }: RateLimited,
  back: string | null,
): Response | Promise<Response> {
  const { messages }: PageVariables = c.var;
  const { signIn } = messages;
  c.header('retry-after', String(retryAfterSeconds));
  return page(
    c,
    { title: signIn.rateLimitedTitle, status: 429 },
    <>
      <Note kind="problem">{signIn.retryAfter(Math.ceil(retryAfterSeconds / 60))}</Note>
      {back !== null && (
        <p>
          <a href={back}>{signIn.goBack}</a>
        </p>
      )}
    </>,
  );
}
