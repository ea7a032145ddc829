/**
 * A screen is added in one folder plus one line each in navigation.ts, app.ts and the message
 * files.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LANGUAGES, messagesFor } from '@farebox/i18n';
import { describe, expect, it } from 'vitest';
import { app } from './app.ts';
import { NAV_ITEMS } from './navigation.ts';
import { requireSignIn } from './session.ts';

const ROOT = import.meta.dirname;

function toFolderName(screen: string): string {
  return screen.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/**
 * The folder of every product file that marks an item of the menu as active, by the item's path.
 */
function foldersByActivePath(): ReadonlyMap<string, ReadonlySet<string>> {
  const folders = new Map<string, Set<string>>();
  for (const file of readdirSync(ROOT, { recursive: true, encoding: 'utf8' })) {
    if (!/\.tsx?$/.test(file) || /node_modules|^operators|\.test\./.test(file)) continue;
    const text = readFileSync(join(ROOT, file), 'utf8');
    for (const [, path = ''] of text.matchAll(/activePath: '([^']+)'/g)) {
      folders.set(path, (folders.get(path) ?? new Set()).add(file.split('/')[0] ?? ''));
    }
  }
  return folders;
}

describe('NAV_ITEMS', () => {
  const folders = foldersByActivePath();

  it.each(LANGUAGES)('names every screen of the menu once in %s', (language) => {
    const screens = NAV_ITEMS.map(({ screen }) => screen);
    expect(Object.keys(messagesFor(language).nav)).toEqual(screens);
  });

  it.each(NAV_ITEMS)('has a route for $path', ({ path }) => {
    const paths = app.routes.filter(({ method }) => method === 'GET').map((route) => route.path);
    expect(paths).toContain(path);
  });

  // The overview is the landing page for visitors.
  it.each(NAV_ITEMS.filter(({ path }) => path !== '/'))(
    'requires a sign-in on $path',
    ({ path }) => {
      const routes = app.routes.filter((route) => [path, `${path}/*`].includes(route.path));
      expect(routes[0]?.handler).toBe(requireSignIn);
    },
  );

  it.each(NAV_ITEMS)('keeps the pages of $path in the folder of the screen $screen', (item) => {
    expect([...(folders.get(item.path) ?? [])]).toEqual([toFolderName(item.screen)]);
  });
});
