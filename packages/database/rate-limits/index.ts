export { countAttempt, type FullBucket, type RateLimitBucket } from './rate-limits.ts';
