import { globSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { defineConfig } from 'vitest/config';

/**
 * Parts that start a database, a process, a chain or a browser: a test that reaches one is a system
 * test.
 */
const STARTS_SOMETHING =
  /^(@farebox\/local|@electric-sql\/pglite|playwright-core|node:child_process)$/;
const IMPORT = /(?:from|import)\s*\(?\s*'([^']+)'/g;

const reaches = new Map<string, boolean>();

/** Whether the file, or a file of its folder tree that it imports by path, starts something. */
function startsSomething(path: string): boolean {
  const known = reaches.get(path);
  if (known !== undefined) return known;
  reaches.set(path, false);
  const imports = [...readFileSync(path, 'utf8').matchAll(IMPORT)].map((match) => match[1] ?? '');
  const starts = imports.some(
    (name) =>
      STARTS_SOMETHING.test(name) ||
      (/^\..*\.tsx?$/.test(name) && startsSomething(join(dirname(path), name))),
  );
  reaches.set(path, starts);
  return starts;
}

const NOT_HERE = /node_modules|\.workerd\.test\.ts$|^tests\/conformance\//;
const files = globSync('{packages,workers,tests,bench,scripts}/**/*.test.ts').filter(
  (path) => !NOT_HERE.test(path),
);
const systemFiles = files.filter(startsSomething);
const unitFiles = files.filter((path) => !startsSomething(path));
const sharedFiles = systemFiles.filter((path) =>
  readFileSync(path, 'utf8').includes("'./support/shared-stack.ts'"),
);
/** Tests that measure a process' memory, or how long its streams stall. */
const MEASURES = /from '\.\/support\/(process-memory|stream-gaps)\.ts'/;
const measuringFiles = systemFiles.filter((path) => MEASURES.test(readFileSync(path, 'utf8')));
const timeouts = { testTimeout: 60_000, hookTimeout: 60_000 };
/** Hooks start stacks, which takes up to three minutes on a loaded machine. */
const systemTimeouts = { ...timeouts, hookTimeout: 180_000 };

export default defineConfig({
  test: {
    // System tests mostly wait for the stack they started. Vitest would use one core less than
    // there are: on two, everything would run one after the other.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      { test: { name: 'unit', include: unitFiles, ...timeouts } },
      'packages/*/vitest.config.ts',
      {
        test: {
          name: 'system',
          include: systemFiles.filter(
            (path) => !sharedFiles.includes(path) && !measuringFiles.includes(path),
          ),
          ...systemTimeouts,
        },
      },
      // One after another, when all others have ended: a test beside them takes the machine's cores, and a
      // gap of 170 ms became one of a second.
      {
        test: {
          name: 'system-measured',
          include: measuringFiles,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
          ...systemTimeouts,
        },
      },
      // Files of one worker share its modules, and with them one running stack
      // (tests/support/shared-stack.ts).
      { test: { name: 'system-shared', include: sharedFiles, isolate: false, ...systemTimeouts } },
      {
        test: {
          name: 'conformance',
          include: ['tests/conformance/**/*.test.ts'],
          isolate: false,
          ...systemTimeouts,
        },
      },
    ],
  },
});
