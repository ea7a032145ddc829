/** Reads what the site is made of from the repository, with the day each file was last changed. */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COPIED_FILES } from './documents.ts';

export type SiteSource = Readonly<{
  /** Markdown documents by their file in the repository. */
  documents: ReadonlyMap<string, string>;
  /** Content files by `en/prices`. */
  content: ReadonlyMap<string, string>;
  /** The texts of COPIED_FILES by their file in the repository; a missing file is left out. */
  copied: ReadonlyMap<string, string>;
  /** YYYY-MM-DD by file; empty outside of a git checkout. */
  changedOn: ReadonlyMap<string, string>;
}>;

export const CONTENT_FOLDER = 'workers/site/content';

const DOCUMENT_GLOBS = ['*.md', 'docs/**/*.md', 'bench/results/*.md'];

function readFiles(root: string, files: readonly string[]): Map<string, string> {
  return new Map(
    files
      .filter((file) => existsSync(join(root, file)))
      .map((file) => [file, readFileSync(join(root, file), 'utf8')]),
  );
}

function git(root: string, args: readonly string[]): string | null {
  try {
    return execFileSync('git', args, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch {
    return null;
  }
}

/** One pass over the history, newest first: a file's first appearance is its last change. */
function readChangeDays(root: string): Map<string, string> {
  const folders = ['*.md', 'docs', 'bench/results', CONTENT_FOLDER];
  const log = git(root, ['log', '--format=@%cs', '--name-only', '--', ...folders]) ?? '';
  const days = new Map<string, string>();
  let day = '';
  for (const line of log.split('\n')) {
    if (line.startsWith('@')) day = line.slice(1);
    else if (line !== '' && !days.has(line)) days.set(line, day);
  }
  return days;
}

/** Returns the commit that the files are of; null if one was changed, and outside of a checkout. */
export function readCommit(root: string): string | null {
  if (git(root, ['status', '--porcelain', '--untracked-files=no']) !== '') return null;
  return git(root, ['rev-parse', 'HEAD'])?.trim() ?? null;
}

export function readSiteSource(root: string): SiteSource {
  const documents = globSync(DOCUMENT_GLOBS, { cwd: root }).sort();
  const content = readFiles(root, globSync(`${CONTENT_FOLDER}/*/*.md`, { cwd: root }).sort());
  return {
    documents: readFiles(root, documents),
    content: new Map(
      [...content].map(([file, text]) => [file.slice(CONTENT_FOLDER.length + 1, -3), text]),
    ),
    copied: readFiles(root, Object.keys(COPIED_FILES)),
    changedOn: readChangeDays(root),
  };
}
