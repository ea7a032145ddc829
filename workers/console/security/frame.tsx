/** What the pages below /security have around them. */
import type { Context } from 'hono';
import type { Child } from 'hono/jsx';
import { type Frame, page } from '../page.tsx';
import type { Somebody } from '../visitor.ts';

export function securityPage(c: Context<Somebody>, frame: Omit<Frame, 'here'>, body: Child) {
  return page(
    c,
    { ...frame, here: '/security' },
    <>
      {body}
      <p>
        <a href="/security">{c.var.texts.security.back}</a>
      </p>
    </>,
  );
}
