/**
 * A notice becomes a row its owner sees and a letter to them. The letter's id is made of the notice's,
 * so a notice that comes again is not written about again, and one whose letter was lost on the way to
 * the queue is.
 */
import { type Recipient, recordNotice } from '@farebox/database';
import { NOTICE_KINDS, type Notice } from '@farebox/ledger';
import { type Letter, noticeMailId } from '@farebox/mail';
import { formatUsd, NANO_PER_USD, type NanoUsd } from '@farebox/money';
import type { PostHouse } from './house.ts';

function at(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function isText(value: unknown, shape: RegExp): boolean {
  return typeof value === 'string' && shape.test(value);
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** As the table's columns will have it. */
export function isNotice(value: unknown): value is Notice {
  const [keyId, model, amount] = [at(value, 'keyId'), at(value, 'model'), at(value, 'amount')];
  return (
    isText(at(value, 'account'), /^[0-9a-f]{16}$/) &&
    isText(at(value, 'id'), /^[!-~]{1,64}$/) &&
    NOTICE_KINDS.some((kind) => kind === at(value, 'kind')) &&
    (keyId === null || isCount(keyId)) &&
    (model === null || isText(model, /^[!-~]{1,128}$/)) &&
    (amount === null || typeof amount === 'bigint') &&
    isCount(at(value, 'at'))
  );
}

const CENT = NANO_PER_USD / 100n;

/** To the cent, downwards; what is less than a cent in full. */
export function amountText(amount: NanoUsd): string {
  const size = amount < 0n ? -amount : amount;
  if (size > 0n && size < CENT) return formatUsd(amount);
  const [whole = '0', cents = ''] = formatUsd(amount - (amount % CENT)).split('.');
  return `${whole}.${cents.padEnd(2, '0')}`;
}

type Facts = Readonly<{
  notice: Notice;
  recipient: Recipient;
  threshold: NanoUsd | null;
}>;

function letterOf({ notice, recipient, threshold }: Facts): Letter {
  const { email: to, language, key } = recipient;
  const common = { to, language, account: notice.account } as const;
  const keyName = key?.name ?? '–';
  const amount = amountText(notice.amount ?? 0n);
  switch (notice.kind) {
    case 'low_balance': {
      const facts = { balance: amount, threshold: amountText(threshold ?? 0n) };
      return { ...common, kind: 'low_balance', facts };
    }
    case 'dear_model':
      return { ...common, kind: 'dear_model', facts: { keyName, model: notice.model ?? '–' } };
    case 'unusual_spending':
    case 'key_paused':
      return { ...common, kind: notice.kind, facts: { keyName, spent: amount } };
    case 'key_leaked':
      return { ...common, kind: 'key_leaked', facts: { keyName, last4: key?.last4 ?? '–' } };
  }
}

/** What the balance fell below; null where its owner no longer wants to be told. */
async function thresholdOf(notice: Notice, house: PostHouse): Promise<NanoUsd | null> {
  if (notice.kind !== 'low_balance') return null;
  return (await house.accounts.standing(notice.account))?.lowBalance ?? null;
}

/** Throws where the database, the ledger or the queue is away. */
export async function passOn(notice: Notice, house: PostHouse): Promise<void> {
  const threshold = await thresholdOf(notice, house);
  const unwanted = notice.kind === 'low_balance' && threshold === null;
  const id = unwanted ? null : noticeMailId(house.secret, notice.account, notice.id);
  const recipient = await recordNotice(house.db, notice, id, house.now());
  if (recipient === undefined || id === null || recipient.mailState !== 'queued') return;
  const letter = letterOf({ notice, recipient, threshold });
  await house.queue.sendBatch([{ body: { id, letter } }]);
}
