/**
 * The components of the status page beside the providers, in the order in which it shows them: the
 * parts of the service, then the networks of deposits.
 */
export const STATUS_COMPONENTS: readonly string[] = [
  'api',
  'console',
  'ledger',
  'mail',
  'tron',
  'bsc',
  'polygon',
];
