/**
 * The first page, for somebody who is nobody to us yet: what this is, where the API answers, and what a
 * first call looks like. It names no price and asks nothing of anybody.
 */
import type { Context } from 'hono';
import type { FC } from 'hono/jsx';
import { page } from '../layout.tsx';
import type { PublicEnv } from '../session.ts';

const FirstCall: FC<{ base: string; message: string }> = ({ base, message }) => {
  const body = { model: 'openai/gpt-4o-mini', messages: [{ role: 'user', content: message }] };
  const lines = [
    `curl ${base}/chat/completions \\`,
    '  -H "Authorization: Bearer $FAREBOX_KEY" \\',
    "  -H 'Content-Type: application/json' \\",
    `  -d '${JSON.stringify(body)}'`,
  ];
  return <pre tabindex={0}>{lines.join('\n')}</pre>;
};

export function welcomePage(c: Context<PublicEnv>): Response | Promise<Response> {
  const { deps, messages } = c.var;
  const { welcome } = messages;
  const { origin } = deps.apiUrl;
  return page(
    c,
    { title: welcome.title },
    <>
      <p>{welcome.what}</p>
      <ul>
        {welcome.points.map((point) => (
          <li>{point}</li>
        ))}
      </ul>
      <p>
        <a class="button" href="/sign-up">
          {welcome.start}
        </a>{' '}
        <a href="/sign-in">{welcome.have}</a>
      </p>
      <h2>{welcome.api}</h2>
      <p>{welcome.apiText}</p>
      <pre>{`${origin}/v1\n${origin}`}</pre>
      <h2>{welcome.first}</h2>
      <p>{welcome.firstText}</p>
      <FirstCall base={`${origin}/v1`} message={welcome.message} />
    </>,
  );
}
