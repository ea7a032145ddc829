import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

/** What must be true of real objects: run inside workerd, with SQLite, alarms and crashes. */
export default defineConfig({
  plugins: [
    cloudflareTest({
      main: './test-worker.workerd.ts',
      miniflare: {
        compatibilityDate: '2026-11-01',
        compatibilityFlags: ['nodejs_compat'],
        durableObjects: {
          TEST_ACCOUNT: { className: 'TestAccount', useSQLite: true },
          OVERLOADED: { className: 'Overloaded', useSQLite: true },
        },
      },
    }),
  ],
  test: { name: 'workerd', include: ['*.workerd.test.ts'], testTimeout: 60_000 },
});
