/** Every word operators read. English only: they are colleagues, and their screens are not the product's. */
import type { AdjustmentState } from '@farebox/database';
import type { Permission } from './roles.ts';

export const MOVES = [
  'reveal_email',
  'freeze',
  'unfreeze',
  'revoke_key',
  'end_sessions',
  'withdraw_consent',
  'adjust',
] as const;
export type MoveName = (typeof MOVES)[number];

/** What a page says after a form was sent; the word is in its address. */
export const DONE: Readonly<Record<string, string>> = {
  freeze: 'The account is frozen: its calls are refused until somebody lets them go on.',
  unfreeze: 'The account may call again.',
  revoke_key: 'The key is revoked.',
  end_sessions: 'Every session of the account is ended.',
  withdraw_consent: 'The withdrawal is recorded, and its receipt is in the person’s own console.',
  applied: 'The money is moved.',
  waiting: 'The adjustment is above the limit: it waits for a second person.',
  refused: 'The adjustment is refused; nothing was moved.',
  resume_chain: 'The network is read on from the next minute.',
  release_deposit:
    'The deposit is credited with the next minute’s work, if its account can take it.',
  report_sweep: 'The report is taken in; the audit counts with it.',
  rotate_key: 'New addresses hang below this key from now on; the old ones stay watched.',
};

/** Why something was not done. */
export const REFUSED: Readonly<Record<Refusal, string>> = {
  not_permitted: 'Your role does not allow this. The try is recorded.',
  no_reason: 'Say why, in 10 to 255 characters. The try is recorded.',
  bad_fields: 'Something in the form can’t be read. The try is recorded.',
  no_owner: 'There is no address: the account was deleted.',
  unknown: 'There is nothing of that name.',
  conflict: 'That id is already taken by another adjustment.',
  closed: 'The account is closed: its money can’t be moved any more.',
  not_open: 'The account’s book is not open yet.',
  too_large: 'That would be more than an account can hold.',
  insufficient: 'There is less than that which is not held by calls in flight.',
  own: 'This is your own proposal: somebody else has to approve it.',
  decided: 'Somebody has decided this already.',
  foreign_address: 'The report speaks of addresses that are not ours: nothing of it was taken in.',
};
export type Refusal =
  | 'not_permitted'
  | 'no_reason'
  | 'bad_fields'
  | 'no_owner'
  | 'unknown'
  | 'conflict'
  | 'closed'
  | 'not_open'
  | 'too_large'
  | 'insufficient'
  | 'own'
  | 'decided'
  | 'foreign_address';

export const MOVE_TEXTS: Readonly<
  Record<MoveName, Readonly<{ title: string; explains: string; dangerous: boolean }>>
> = {
  reveal_email: {
    title: 'Reveal the address',
    explains: 'Shows the whole address once, on the next page.',
    dangerous: false,
  },
  freeze: {
    title: 'Freeze',
    explains: 'New calls are refused and long answers are stopped; the balance stays.',
    dangerous: true,
  },
  unfreeze: {
    title: 'Let it call again',
    explains: 'Takes the freeze off.',
    dangerous: false,
  },
  revoke_key: {
    title: 'Revoke a key',
    explains: 'At once and for good. The person can make a new one.',
    dangerous: true,
  },
  end_sessions: {
    title: 'End all sessions',
    explains: 'Every browser of the person is signed out, and none is known as a device any more.',
    dangerous: true,
  },
  withdraw_consent: {
    title: 'Record a withdrawal of consent',
    explains: 'The person told support that they do not want a kind of mail any more.',
    dangerous: false,
  },
  adjust: {
    title: 'Adjust the balance',
    explains: 'Up to the limit it is done at once; above it, a second person has to approve.',
    dangerous: true,
  },
};

export const PERMISSION_OF: Readonly<Record<MoveName, Permission>> = {
  reveal_email: 'reveal_email',
  freeze: 'freeze',
  unfreeze: 'unfreeze',
  revoke_key: 'revoke_key',
  end_sessions: 'end_sessions',
  withdraw_consent: 'withdraw_consent',
  adjust: 'adjust',
};

export const ADJUSTMENT_STATES: Readonly<Record<AdjustmentState, string>> = {
  proposed: 'waits for a second person',
  approved: 'approved, not moved yet',
  applied: 'moved',
  refused: 'refused',
};

export const FLAWS: Readonly<Record<'missing' | 'unlinked' | 'altered', string>> = {
  missing: 'is missing',
  unlinked: 'does not follow the line before it',
  altered: 'is not what was written',
};

export const DEPOSIT_WORDS: Readonly<Record<string, string>> = {
  seen: 'seen, not final',
  final: 'final, to be credited',
  dust: 'below the minimum',
  held: 'held',
  closed: 'its account is closed',
  balance: 'the address',
  books: 'the account’s book',
  frozen: 'frozen by the issuer',
};

/** Why a deposit is held, and what to do about it. */
export const HELD_REASONS: Readonly<Record<string, string>> = {
  barred_sender:
    'It came from an address on the list of barred senders. Ask compliance before it is credited.',
  frozen_sender: 'The token’s issuer froze the sender. Ask compliance before it is credited.',
  address_unknown:
    'The account’s own object does not know this address: rows in Postgres may have been changed. Find out before anything else.',
  address_not_derived:
    'The address is not the child of the operator’s key that its row says: rows in Postgres may have been changed, or an old key is no longer configured.',
  block_changed:
    'Its block is no longer there. It is taken up by itself when the network shows it in another one.',
  conflict:
    'The account’s book has a line of this name with another amount. It was credited before.',
  closed: 'The account is closed. Send it back by hand, if its owner asks for it.',
};
