/** The result of `npm run canary`, which runs once a day. */
export const CANARY_COMPONENT = 'canary';

/**
 * The components of the status page beside the providers, in the order in which it shows them: the
 * parts of the service, the networks of deposits, and the daily search for a prompt that was stored.
 */
export const STATUS_COMPONENTS: readonly string[] = [
  'api',
  'console',
  'ledger',
  'mail',
  'tron',
  'bsc',
  'polygon',
  CANARY_COMPONENT,
];
