/**
 * Two ways of using a page, each without the other and without a mouse: the keyboard, with a check of
 * every tab stop, and touch, with a check of the size of every target.
 */
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

export type InputMethod = Readonly<{
  /** Checks the page that was just opened; `title` begins the message of a failure. */
  checkPage(title: string): Promise<void>;
  /** Follows the link or presses the button, the summary or the box that `selector` finds first. */
  activate(selector: string): Promise<void>;
  /** Replaces the text of a field. */
  fill(selector: string, text: string): Promise<void>;
  /** Chooses the second tab of a group of tabs. */
  chooseSecondTab(group: string): Promise<void>;
  /** Opens the menu of a narrow screen; the first time after a check that it also closes. */
  openMenu(): Promise<void>;
}>;

const MENU_BUTTON = '.bar button[popovertarget=menu]';
const MENU = 'nav.menu';
/** More tab stops than any page has. */
const MAX_TAB_STOPS = 250;

/** What Tab has to reach: one stop of each group of radio buttons. */
const FOCUSABLE = `[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')]
  .filter((element) => element.checkVisibility({ visibilityProperty: true }) && !element.disabled)
  .filter((element) => element.type !== 'radio' || element.checked)`;

/** An element in the words of a failure. */
const DESCRIBE = `((element) => element.tagName.toLowerCase() + ' "' +
  (element.id || element.name || element.textContent.trim().slice(0, 40)) + '"')`;

/**
 * The focused element: its place in the document, and what is wrong with it. The focus is visible
 * (WCAG 2.4.7) where the element, or the label that stands for it, has an outline, is on the screen
 * and is not covered by another element (2.4.11).
 */
const TAB_STOP = `(() => {
  const element = document.activeElement;
  if (element === null || element === document.body || element === document.documentElement) return null;
  const shown = [element, element.closest('label')].find((one) => one !== null &&
    getComputedStyle(one).outlineStyle !== 'none' && parseFloat(getComputedStyle(one).outlineWidth) >= 2 &&
    getComputedStyle(one).opacity !== '0');
  const index = [...document.querySelectorAll('*')].indexOf(element);
  const describe = ${DESCRIBE};
  if (shown === undefined) return { index, problem: describe(element) + ' has no visible focus' };
  const box = shown.getClientRects()[0];
  if (box === undefined) return { index, problem: describe(element) + ' is not drawn' };
  const isOutside = box.top < -1 || box.left < -1 || box.right > innerWidth + 1 ||
    (box.bottom > innerHeight + 1 && box.height < innerHeight / 2);
  if (isOutside) return { index, problem: describe(element) + ' is focused off screen' };
  const hit = document.elementFromPoint(box.left + box.width / 2, box.top + Math.min(box.height, 40) / 2);
  const isCovered = hit !== null && !shown.contains(hit) && !hit.contains(shown);
  return { index, problem: isCovered ? describe(element) + ' is covered by ' + describe(hit) : null };
})()`;

type TabStop = Readonly<{ index: number; problem: string | null }>;

function isTabStop(value: unknown): value is TabStop {
  return typeof value === 'object' && value !== null && 'index' in value;
}

async function readTabStop(page: Page): Promise<TabStop | null> {
  const value: unknown = await page.evaluate(TAB_STOP);
  return isTabStop(value) ? value : null;
}

async function readTexts(page: Page, expression: string): Promise<readonly string[]> {
  const value: unknown = await page.evaluate(expression);
  return Array.isArray(value) ? value.map(String) : [String(value)];
}

/**
 * Presses Tab until the focus has come round. Between the last element and the first one the focus
 * may be the browser's; a field of a date has several stops.
 */
async function walkTabStops(page: Page, title: string): Promise<ReadonlySet<number>> {
  const visited = new Set<number>();
  let previous: number | undefined;
  for (let press = 0; press < MAX_TAB_STOPS; press += 1) {
    await page.keyboard.press('Tab');
    const stop = await readTabStop(page);
    if (stop === null || stop.index === previous) continue;
    if (visited.has(stop.index)) return visited;
    expect(stop.problem, title).toBeNull();
    visited.add(stop.index);
    previous = stop.index;
  }
  throw new Error(`${title}: Tab does not come round`);
}

async function listUnreached(page: Page, visited: ReadonlySet<number>): Promise<readonly string[]> {
  const indexes = JSON.stringify([...visited]);
  return readTexts(
    page,
    `(() => {
      const all = [...document.querySelectorAll('*')];
      const visited = ${indexes}.map((index) => all[index]);
      const isReached = (element) => visited.includes(element) || (element.type === 'radio' &&
        visited.some((one) => one.type === 'radio' && one.name === element.name));
      return ${FOCUSABLE}.filter((element) => !isReached(element)).map(${DESCRIBE});
    })()`,
  );
}

async function tabTo(page: Page, selector: string): Promise<void> {
  for (let press = 0; press < MAX_TAB_STOPS; press += 1) {
    await page.keyboard.press('Tab');
    const isFocused = await page.evaluate(
      `document.querySelector(${JSON.stringify(selector)}) === document.activeElement`,
    );
    if (isFocused === true) return;
  }
  throw new Error(`${selector} can't be reached by the tab key on ${page.url()}`);
}

/** Tab, Shift, Enter, Space, Escape and the arrows. */
export function createKeyboard(page: Page): InputMethod {
  const press = (key: string) => page.keyboard.press(key);
  const waitForMenu = (state: 'visible' | 'hidden') => page.locator(MENU).waitFor({ state });
  let isMenuChecked = false;
  return {
    async checkPage(title) {
      const visited = await walkTabStops(page, title);
      expect(await listUnreached(page, visited), `${title}: not reached by Tab`).toEqual([]);
    },
    async activate(selector) {
      await tabTo(page, selector);
      const isLink = (await page.locator(selector).first().getAttribute('href')) !== null;
      await press(isLink ? 'Enter' : 'Space');
    },
    async fill(selector, text) {
      await tabTo(page, selector);
      await press('ControlOrMeta+A');
      await page.keyboard.type(text);
    },
    async chooseSecondTab(group) {
      await tabTo(page, `${group} .tab-1`);
      await press('ArrowRight');
    },
    async openMenu() {
      await tabTo(page, MENU_BUTTON);
      if (!isMenuChecked) {
        await press('Enter');
        await waitForMenu('visible');
        await press('Tab');
        expect(await page.locator(`${MENU} :focus`).count(), 'the menu takes the focus').toBe(1);
        await press('Escape');
        await waitForMenu('hidden');
        expect(await page.locator(`${MENU_BUTTON}:focus`).count(), 'the focus returns').toBe(1);
        isMenuChecked = true;
      }
      await press('Space');
      await waitForMenu('visible');
    },
  };
}

/** Up to here a screen is a phone's. */
const MAX_PHONE_WIDTH = 480;

/**
 * Targets below 24 by 24 px that WCAG 2.5.8 does not exempt: links within a sentence are exempt, and
 * those whose circle of 24 px around the centre touches no other target and no circle of another
 * small one. A box within its label has the label's size. `scope` is the part of the page that can be
 * touched: an open menu covers the rest.
 */
const listSmallTargets = (scope: string) => `(() => {
  const describe = ${DESCRIBE};
  const targets = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, label:has(input)')]
    .filter((element) => element.closest('${scope}') !== null)
    .filter((element) => element.checkVisibility({ visibilityProperty: true }) && !element.disabled)
    .filter((element) => !(element.tagName === 'INPUT' && element.closest('label') !== null))
    .map((element) => ({ element, box: element.getBoundingClientRect() }))
    .filter(({ box }) => box.right > 0 && box.width > 1);
  const isSmall = ({ box }) => box.width < 23.9 || box.height < 23.9;
  const isInSentence = ({ element }) => getComputedStyle(element).display === 'inline' &&
    element.parentElement.textContent.trim().length > element.textContent.trim().length + 3;
  const centre = ({ box }) => [box.left + box.width / 2, box.top + box.height / 2];
  const distance = ([x, y], box) => Math.hypot(Math.max(box.left - x, 0, x - box.right), Math.max(box.top - y, 0, y - box.bottom));
  const isCrowded = (one) => targets.some((other) => other !== one && (
    distance(centre(one), other.box) < 12 ||
    (isSmall(other) && Math.hypot(centre(one)[0] - centre(other)[0], centre(one)[1] - centre(other)[1]) < 24)));
  return targets.filter((one) => isSmall(one) && !isInSentence(one) && isCrowded(one))
    .map((one) => describe(one.element) + ' ' + Math.round(one.box.width) + 'x' + Math.round(one.box.height));
})()`;

/** Main actions on a phone, each at least 44 px high (Apple's and WCAG 2.5.5's size). */
const SMALL_MAIN_ACTIONS = `[...document.querySelectorAll(
    'main :is(button, .button):not(.plain), main input:not([type=radio], [type=checkbox], [type=hidden]), main select, .bar .balance, .bar > button, .menu li a, .menu .button')]
  .filter((element) => element.checkVisibility({ visibilityProperty: true }) && element.getBoundingClientRect().width > 1)
  .filter((element) => element.getBoundingClientRect().height < 43.9)
  .map((element) => ${DESCRIBE}(element) + ' is ' + Math.round(element.getBoundingClientRect().height) + ' px high')`;

async function checkTargets(page: Page, title: string, scope = 'body'): Promise<void> {
  const small = await readTexts(page, listSmallTargets(scope));
  expect(small, `${title}: targets below 24 px`).toEqual([]);
  const width = page.viewportSize()?.width ?? 0;
  if (width > MAX_PHONE_WIDTH) return;
  expect(await readTexts(page, SMALL_MAIN_ACTIONS), `${title}: actions below 44 px`).toEqual([]);
}

/** Taps, and the text of an on-screen keyboard. */
export function createTouch(page: Page): InputMethod {
  const tap = (selector: string) => page.locator(selector).first().tap();
  const waitForMenu = (state: 'visible' | 'hidden') => page.locator(MENU).waitFor({ state });
  let isMenuChecked = false;
  return {
    checkPage: (title) => checkTargets(page, title),
    activate: tap,
    async fill(selector, text) {
      await tap(selector);
      await page.locator(selector).first().selectText();
      await page.keyboard.insertText(text);
    },
    chooseSecondTab: (group) => tap(`${group} label:has(.tab-2)`),
    async openMenu() {
      await tap(MENU_BUTTON);
      await waitForMenu('visible');
      if (isMenuChecked) return;
      await checkTargets(page, 'the menu', MENU);
      const { width = 0, height = 0 } = page.viewportSize() ?? {};
      await page.touchscreen.tap(width - 4, height / 2);
      await waitForMenu('hidden');
      isMenuChecked = true;
      await tap(MENU_BUTTON);
      await waitForMenu('visible');
    },
  };
}
