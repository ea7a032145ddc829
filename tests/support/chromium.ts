/** A real browser for system tests: Debian's chromium, driven by playwright-core. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';

const EXECUTABLE = '/usr/bin/chromium';

/** Screenshots of the last run; the next run replaces them. */
const SCREENSHOTS = join(import.meta.dirname, '../../.farebox/screenshots');

export const HAS_BROWSER = existsSync(EXECUTABLE);

export function warnIfNoBrowser(): void {
  if (!HAS_BROWSER) {
    process.stdout.write('no chromium on this machine: journeys in a browser are skipped\n');
  }
}

/** Chromium's sandbox does not work as root; only the stack's own pages are opened. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox'] });
}

/** A longer page repeats its rows, and takes as long to draw. */
const MAX_HEIGHT = 2_600;

export async function saveScreenshot(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  const size = await page.evaluate(
    '[document.documentElement.clientWidth, document.documentElement.scrollHeight]',
  );
  const [width, height] = Array.isArray(size) ? size.map(Number) : [];
  const clip = { x: 0, y: 0, width: width ?? 1, height: Math.min(height ?? 1, MAX_HEIGHT) };
  const path = join(SCREENSHOTS, `${name}.jpg`);
  await page.screenshot({ path, fullPage: true, clip, type: 'jpeg', quality: 75 });
}

/** A picture of a screen: `<screen>--<width>-<scheme>-<language>`. */
const SCREEN_PICTURE = /^(.+)--(\d+-\w+-\w+)\.jpg$/;

function toFigure(file: string, caption: string): string {
  return `<figure><a href="${file}"><img src="${file}" alt="${caption}" loading="lazy"></a><figcaption>${caption}</figcaption></figure>`;
}

function groupByScreen(files: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const screens = new Map<string, string[]>();
  for (const file of files) {
    const [, screen = 'journeys and other pictures', caption] = SCREEN_PICTURE.exec(file) ?? [];
    const figures = screens.get(screen) ?? [];
    figures.push(toFigure(file, caption ?? file));
    screens.set(screen, figures);
  }
  return screens;
}

/** Writes the page that shows all kept screenshots, screen by screen. */
export function writeScreenshotIndex(): void {
  mkdirSync(SCREENSHOTS, { recursive: true });
  const files = readdirSync(SCREENSHOTS)
    .filter((name) => name.endsWith('.jpg'))
    .sort();
  const sections = [...groupByScreen(files)].map(
    ([screen, figures]) => `<h2>${screen}</h2><div>${figures.join('')}</div>`,
  );
  const style =
    'body{font:14px system-ui;margin:1rem}div{display:flex;flex-wrap:wrap;gap:1rem}figure{margin:0}img{height:24rem;border:1px solid #999}';
  writeFileSync(
    join(SCREENSHOTS, 'index.html'),
    `<!doctype html><meta charset="utf-8"><title>Screenshots</title><style>${style}</style>${sections.join('')}`,
  );
}

/** All requests of the page, by origin, so that a test can reject third-party ones. */
export function trackRequestedOrigins(page: Page): Set<string> {
  const origins = new Set<string>();
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol.startsWith('http')) origins.add(origin);
  });
  return origins;
}
