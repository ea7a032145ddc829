import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // System tests mostly wait for the stack they started. Vitest would take one core less than there are: on two,
    // everything one after the other.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        test: {
          name: 'node',
          include: ['{packages,workers,tests,bench}/**/*.test.ts'],
          exclude: ['**/*.workerd.test.ts', '**/node_modules/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      'packages/*/vitest.config.ts',
    ],
  },
});
