/** What somebody sees who tried too often: how long it takes, and the way back. It says nothing of which limit it was. */
import { Note } from '@farebox/design';
import type { RateLimited } from '@farebox/identity';
import type { Context } from 'hono';
import { page } from '../layout.tsx';
import type { PageVariables } from '../session.ts';

/** `back` is where the form can be had again; null where it came with a link from a mail. */
export function rateLimitedPage<E extends { Variables: PageVariables }>(
  c: Context<E>,
  { retryAfterSeconds }: RateLimited,
  back: string | null,
): Response | Promise<Response> {
  const { signIn } = c.var.messages;
  c.header('retry-after', String(retryAfterSeconds));
  return page(
    c,
    { title: signIn.throttledTitle, status: 429 },
    <>
      <Note kind="problem">{signIn.wait(Math.ceil(retryAfterSeconds / 60))}</Note>
      {back !== null && (
        <p>
          <a href={back}>{signIn.throttledBack}</a>
        </p>
      )}
    </>,
  );
}
