/** The refused calls of the last week, by reason and key: how many, and when the last one came. */
import { Card, EmptyState, formatCount, Time } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import type { KeyId, RefusedCalls } from '@farebox/ledger';
import type { FC } from 'hono/jsx';

type RefusedGroup = Readonly<{ keyId: KeyId; code: string; count: number; lastAt: number }>;

/** Adds up the hours; the most frequent first. */
export function groupRefused(refused: readonly RefusedCalls[]): readonly RefusedGroup[] {
  const groups = new Map<string, RefusedGroup>();
  for (const { keyId, code, count, lastAt } of refused) {
    const id = `${keyId} ${code}`;
    const known = groups.get(id) ?? { keyId, code, count: 0, lastAt };
    groups.set(id, {
      ...known,
      count: known.count + count,
      lastAt: Math.max(known.lastAt, lastAt),
    });
  }
  return [...groups.values()].sort((a, b) => b.count - a.count || b.lastAt - a.lastAt);
}

/** A code of a newer release has no words yet. */
export function reasonText(code: string, { refusedCalls }: Messages): string | null {
  const reasons: Readonly<Record<string, string>> = refusedCalls.reasons;
  return Object.hasOwn(reasons, code) ? (reasons[code] ?? null) : null;
}

/** The site's page about an error code, in the language of the screen. */
function toErrorUrl(code: string, language: string, siteUrl: URL): string {
  const folder = language === 'en' ? '' : `/${language}`;
  return new URL(`${folder}/docs/errors/${code}`, siteUrl).href;
}

/** The code, which leads to its page. A code of a newer release has none yet. */
const ErrorCode: FC<
  Readonly<{ code: string; siteUrl: URL | null; messages: Messages; language: string }>
> = ({ code, siteUrl, messages, language }) =>
  siteUrl === null || reasonText(code, messages) === null ? (
    <code>{code}</code>
  ) : (
    <a href={toErrorUrl(code, language, siteUrl)}>
      <code>{code}</code>
    </a>
  );

export const RefusedCallList: FC<
  Readonly<{
    siteUrl: URL | null;
    refused: readonly RefusedCalls[];
    keyName: (keyId: KeyId) => string;
    messages: Messages;
    language: string;
  }>
> = ({ refused, keyName, siteUrl, messages, language }) => {
  const { refusedCalls: t } = messages;
  const groups = groupRefused(refused);
  return (
    <Card id="refused" title={t.title}>
      {groups.length === 0 ? (
        <EmptyState text={t.none} />
      ) : (
        <>
          <p>{t.intro}</p>
          <table>
            <caption class="hidden-text">{t.title}</caption>
            <thead>
              <tr>
                <th scope="col">{t.reason}</th>
                <th scope="col" class="number">
                  {t.count}
                </th>
                <th scope="col" class="from-tablet">
                  {t.last}
                </th>
              </tr>
            </thead>
            <tbody>
              {groups.map(({ keyId, code, count, lastAt }) => (
                <tr>
                  <th scope="row">
                    {reasonText(code, messages) ?? code}
                    <span class="second">
                      <ErrorCode {...{ code, siteUrl, messages, language }} /> · {keyName(keyId)}
                    </span>
                  </th>
                  <td class="number">{formatCount(count, language)}</td>
                  <td class="from-tablet">
                    <Time at={lastAt} language={language} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </Card>
  );
};
