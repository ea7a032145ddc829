/** Open notices in the reader's words, each with a button to dismiss it; for alerts and the overview. */
import type { KeyRow, OpenNotice } from '@farebox/database';
import type { Texts } from '@farebox/languages';
import { NOTICE_KINDS } from '@farebox/ledger';
import type { FC } from 'hono/jsx';
import { usd } from '../charts/figures.ts';
import { Time } from '../page.tsx';

type Told = Readonly<{ keys: readonly KeyRow[]; texts: Texts; language: string }>;

export function noticeText(notice: OpenNotice, { keys, texts, language }: Told): string {
  const kind = NOTICE_KINDS.find((known) => known === notice.kind);
  if (kind === undefined) return texts.alerts.other;
  const named = keys.find(({ keyId }) => keyId === notice.keyId)?.name;
  return texts.alerts.kinds[kind]({
    key: named ?? texts.usage.keyGone(String(notice.keyId ?? '')),
    model: notice.model ?? '',
    amount: usd(notice.amount ?? 0n, language),
  });
}

export const Notices: FC<
  Told & Readonly<{ notices: readonly OpenNotice[]; back: '/' | '/alerts' }>
> = ({ notices, back, ...told }) => (
  <ul class="notices">
    {notices.map((notice) => (
      <li>
        <p>
          {noticeText(notice, told)}{' '}
          <small>{<Time at={notice.at} language={told.language} />}</small>
        </p>
        <form method="post" action="/alerts/dismiss">
          <input type="hidden" name="id" value={notice.id} />
          <input type="hidden" name="back" value={back} />
          {notice.keyId !== null && (
            <a href={`/keys/${notice.keyId}`}>{told.texts.alerts.seeKey}</a>
          )}{' '}
          <button type="submit" class="plain">
            {told.texts.alerts.dismiss}
          </button>
        </form>
      </li>
    ))}
  </ul>
);
