/** The budgets of the sign-in pages, which all callers of a group share. */
const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 60 * MINUTE_SECONDS;

/** `maxAttempts` in each window of `seconds`; windows start at multiples of their length. */
export type RateLimit = Readonly<{ maxAttempts: number; seconds: number }>;

/**
 * Budgets of the whole service. A hash takes a quarter of a second of CPU: 600 a minute are two and
 * a half cores. Each group of callers has its own, which the others can't exhaust: strangers, those
 * who solved a challenge, holders of an emailed link, known devices and sessions. Emails are counted
 * by the hour, as a flood harms the sender's reputation long before it harms a server; delayed are
 * those of browsers that can't solve a challenge.
 */
export const BUDGETS = {
  stranger_hashes: { maxAttempts: 600, seconds: MINUTE_SECONDS },
  challenge_hashes: { maxAttempts: 300, seconds: MINUTE_SECONDS },
  link_hashes: { maxAttempts: 300, seconds: MINUTE_SECONDS },
  known_hashes: { maxAttempts: 1200, seconds: MINUTE_SECONDS },
  stranger_emails: { maxAttempts: 600, seconds: HOUR_SECONDS },
  challenge_emails: { maxAttempts: 600, seconds: HOUR_SECONDS },
  delayed_emails: { maxAttempts: 120, seconds: HOUR_SECONDS },
  account_emails: { maxAttempts: 300, seconds: HOUR_SECONDS },
} as const satisfies Record<string, RateLimit>;
export type Budget = keyof typeof BUDGETS;
