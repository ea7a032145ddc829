/** How long sessions, links and challenges are valid. */
import { DAY_MS } from '@farebox/ledger';

const MINUTE_MS = 60_000;

/**
 * In milliseconds. ASVS 5.0 7.3 requires both limits of a session, absolute and idle, to be
 * documented.
 */
export const TTL = {
  signUp: 60 * MINUTE_MS,
  reset: 30 * MINUTE_MS,
  emailChange: 30 * MINUTE_MS,
  mfaChallenge: 10 * MINUTE_MS,
  challenge: 5 * MINUTE_MS,
  session: 90 * DAY_MS,
  sessionUnused: 14 * DAY_MS,
  device: 365 * DAY_MS,
  totpEnrollment: 15 * MINUTE_MS,
  totpUnconfirmed: DAY_MS,
} as const;

/** The last-seen time of a session is written at most this often. */
export const SESSION_TOUCH_INTERVAL_MS = MINUTE_MS;

/** How long an email waits whose requester can't solve a challenge. Its link lives as much longer. */
export const EMAIL_DELAY_MS = 30 * MINUTE_MS;
