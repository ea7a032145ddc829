export { countAttempt, type RateLimitBucket } from './rate-limits.ts';
