/** A real browser for system tests: Debian's chromium, driven by playwright-core. */
import { existsSync, mkdirSync } from 'node:fs';
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

export async function saveScreenshot(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
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
