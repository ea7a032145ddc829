import type { StatusDay, StatusReport } from '@farebox/database/status';
import { CANARY_COMPONENT, STATUS_COMPONENTS } from '@farebox/database/status/components';
import { CHAINS } from '@farebox/deposits';
import { LANGUAGES } from '@farebox/i18n';
import { describe, expect, it } from 'vitest';
import { siteMessagesFor } from '../texts/index.ts';
import { renderStatusFeed, renderStatusHtml, renderStatusJson } from './status-documents.ts';
import { toStatusView } from './status-view.ts';

const DAY_MS = 86_400_000;
const DAY = 20_783;
const NOW = DAY * DAY_MS + 12 * 3_600_000;

function day(fields: Partial<StatusDay>): StatusDay {
  return {
    component: 'api',
    day: DAY,
    checks: 100,
    failures: 0,
    isUp: true,
    since: NOW - 3 * DAY_MS,
    checkedAt: NOW - 60_000,
    ...fields,
  };
}

const MARKUP = '<img src=x onerror=alert(1)> & "more"';
const REPORT: StatusReport = {
  days: [
    day({ component: 'openai', isUp: false, failures: 3, since: NOW - 120_000 }),
    day({ day: DAY - 1, failures: 1, checks: 200 }),
    day({}),
    day({ component: 'tron', checkedAt: NOW - 21 * 60_000 }),
  ],
  incidents: [
    { id: 'b', component: 'openai', summary: MARKUP, openedAt: NOW - 1_000, resolvedAt: null },
    { id: 'a', component: 'api', summary: 'Slow.', openedAt: NOW - DAY_MS, resolvedAt: NOW },
  ],
};

describe('the status', () => {
  it('has one row per component, with its last state and its uptime rounded down', () => {
    const { components, checkedAt } = toStatusView(REPORT, NOW);
    const rows = components.map(({ component, state, uptimeBasisPoints }) => [
      component,
      state,
      uptimeBasisPoints,
    ]);
    expect(rows).toEqual([
      ['api', 'up', 9_966],
      ['tron', 'unknown', 10_000],
      ['openai', 'down', 9_700],
    ]);
    expect(checkedAt).toBe(NOW - 60_000);
  });

  it('of a component without a recent check is not known since that check', () => {
    const tron = toStatusView(REPORT, NOW).components.find(({ component }) => component === 'tron');
    expect(tron?.since).toBe(NOW - 21 * 60_000);
  });

  it.each(['en', 'ru', 'zh'] as const)('escapes what operators write, in %s', (language) => {
    const html = renderStatusHtml(toStatusView(REPORT, NOW), language);
    expect(html).not.toContain('<img');
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt; &amp; &quot;more&quot;');
  });

  it('says that nothing was checked before the first check', () => {
    const html = renderStatusHtml(toStatusView({ days: [], incidents: [] }, NOW), 'en');
    expect(html).toBe('<p>Nothing has been checked yet.</p>');
  });

  it('has the same facts as JSON', () => {
    const json = JSON.parse(renderStatusJson(toStatusView(REPORT, NOW)));
    expect(json.components[0]).toEqual({
      component: 'api',
      state: 'up',
      since: new Date(NOW - 3 * DAY_MS).toISOString(),
      uptime_90_days: '99.66%',
      failed_days: [{ day: '2026-11-25', checks: 200, failures: 1 }],
    });
    expect(json.incidents.map(({ id }: { id: string }) => id)).toEqual(['b', 'a']);
  });

  it.each([
    [{ checkedAt: NOW - 3_600_000, isUp: true }, 'no_prompt_found', NOW - 3 * DAY_MS, 0],
    [{ checkedAt: NOW - 3_600_000, isUp: false, failures: 1 }, 'prompt_found', NOW - 3 * DAY_MS, 1],
    [{ checkedAt: NOW - 3 * DAY_MS }, 'not_run_lately', NOW - 3 * DAY_MS, 0],
  ])('has the canary of %o as JSON with the result %s', (fields, result, since, failed) => {
    const days = [day({}), day({ component: CANARY_COMPONENT, ...fields })];
    const json = JSON.parse(renderStatusJson(toStatusView({ days, incidents: [] }, NOW)));
    expect(json.canary).toMatchObject({ result, since: new Date(since).toISOString() });
    expect(json.canary.failed_days).toHaveLength(failed);
    expect(json.components.map(({ component }: { component: string }) => component)).toEqual([
      'api',
    ]);
  });

  it('has a canary that never ran as JSON with the result never_run', () => {
    const json = JSON.parse(renderStatusJson(toStatusView(REPORT, NOW)));
    expect(json.canary).toEqual({ result: 'never_run', since: null, failed_days: [] });
  });

  it('has incidents as a feed with stable ids', () => {
    const feed = renderStatusFeed(toStatusView(REPORT, NOW), 'https://site.example/status');
    expect(feed.match(/<id>[^<]*<\/id>/g)).toEqual([
      '<id>https://site.example/status</id>',
      '<id>https://site.example/status#b</id>',
      '<id>https://site.example/status#a</id>',
    ]);
    expect(feed).toContain('<title>API (resolved)</title>');
    expect(feed).not.toContain('<img');
  });

  it('has a well-formed feed whatever characters an operator typed', () => {
    const [incident] = REPORT.incidents;
    if (incident === undefined) throw new Error('no incident');
    const typed = { ...incident, summary: 'one\u0000two\u001bthree\ttabbed\ud800\uffff.' };
    const report = { ...REPORT, incidents: [typed] };
    const feed = renderStatusFeed(toStatusView(report, NOW), 'https://site.example/status');
    expect(feed).toContain('<summary>one two three\ttabbed\ufffd .</summary>');
  });
});

describe('the components of the status page', () => {
  it('are the parts of the service and every network of deposits', () => {
    expect(STATUS_COMPONENTS).toEqual(expect.arrayContaining([...CHAINS]));
  });

  it.each(LANGUAGES)('have their names in %s', (language) => {
    const { components } = siteMessagesFor(language).status;
    expect(Object.keys(components)).toEqual([...STATUS_COMPONENTS]);
  });

  it('stand in their order, before the providers, whatever the order of the rows', () => {
    const days = ['openai', ...STATUS_COMPONENTS]
      .toReversed()
      .map((component) => day({ component }));
    const { components } = toStatusView({ days, incidents: [] }, NOW);
    expect(components.map(({ component }) => component)).toEqual([...STATUS_COMPONENTS, 'openai']);
  });
});
