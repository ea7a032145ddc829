/**
 * The landing page for visitors who are not signed in: the product, the API endpoints, a first
 * call.
 */
import type { Context } from 'hono';
import type { FC } from 'hono/jsx';
import { page } from '../layout.tsx';
import type { PublicEnv } from '../session.ts';
import { SNIPPET_MODEL } from '../snippets.ts';

const FirstCall: FC<{ base: string; message: string }> = ({ base, message }) => {
  const body = { model: SNIPPET_MODEL, messages: [{ role: 'user', content: message }] };
  const lines = [
    `curl ${base}/chat/completions \\`,
    '  -H "Authorization: Bearer $FAREBOX_KEY" \\',
    "  -H 'Content-Type: application/json' \\",
    `  -d '${JSON.stringify(body)}'`,
  ];
  return <pre tabindex={0}>{lines.join('\n')}</pre>;
};

export function landingPage(c: Context<PublicEnv>): Response | Promise<Response> {
  const { deps, messages } = c.var;
  const { landing: t } = messages;
  const { origin } = deps.apiUrl;
  return page(
    c,
    { title: t.title },
    <>
      <p>{t.description}</p>
      <ul>
        {t.points.map((point) => (
          <li>{point}</li>
        ))}
      </ul>
      <p>
        <a class="button" href="/sign-up">
          {t.signUp}
        </a>{' '}
        <a href="/sign-in">{t.signIn}</a>
      </p>
      <h2>{t.endpoint}</h2>
      <p>{t.endpointText}</p>
      <pre>{`${origin}/v1\n${origin}`}</pre>
      <h2>{t.firstCall}</h2>
      <p>{t.firstCallText}</p>
      <FirstCall base={`${origin}/v1`} message={t.exampleMessage} />
    </>,
  );
}
