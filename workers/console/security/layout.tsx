/** The layout of the pages below /security. */
import type { Context } from 'hono';
import type { Child } from 'hono/jsx';
import { type PageOptions, page } from '../layout.tsx';
import type { SignedInEnv } from '../session.ts';

export function securityPage(
  c: Context<SignedInEnv>,
  options: Omit<PageOptions, 'here'>,
  body: Child,
) {
  return page(
    c,
    { ...options, activePath: '/security' },
    <>
      {body}
      <p>
        <a href="/security">{c.var.messages.security.back}</a>
      </p>
    </>,
  );
}
