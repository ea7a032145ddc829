/** The status as HTML and Markdown in the reader's language, as JSON and as an Atom feed. Pure. */

import { CANARY_COMPONENT } from '@farebox/database/status/components';
import type { Language } from '@farebox/i18n';
import { getProviderName } from '@farebox/providers/list';
import { escapeMarkup } from '../escape.ts';
import { siteMessagesFor } from '../texts/index.ts';
import type { ComponentState, ComponentStatus, StatusView } from './status-view.ts';

const DAY_MS = 86_400_000;

function getName(component: string, language: Language): string {
  const names: Readonly<Record<string, string>> = siteMessagesFor(language).status.components;
  return names[component] ?? getProviderName(component);
}

function formatTime(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function renderTime(at: number): string {
  return `<time datetime="${new Date(at).toISOString()}">${formatTime(at)}</time>`;
}

/** The canary's result is whether a prompt was found, not whether a part of the service works. */
function getStateText({ component, state }: ComponentStatus, language: Language): string {
  const { canary, states } = siteMessagesFor(language).status;
  return component === CANARY_COMPONENT ? canary[state] : states[state];
}

/** Says that the canary has not run yet, which a list of results can't. */
function listNotes({ components }: StatusView, language: Language): string[] {
  const hasRun = components.some(({ component }) => component === CANARY_COMPONENT);
  return hasRun ? [] : [siteMessagesFor(language).status.canaryNever];
}

function formatUptime(basisPoints: number): string {
  return `${(basisPoints / 100).toFixed(2)}%`;
}

function renderComponent(status: ComponentStatus, language: Language): string {
  const { status: t } = siteMessagesFor(language);
  const failures = status.failedDays
    .slice(0, 10)
    .map(({ day, checks, failures: count }) => {
      const date = new Date(day * DAY_MS).toISOString().slice(0, 10);
      return `<li>${date}: ${t.failedChecks(String(count), String(checks))}</li>`;
    })
    .join('');
  return `<tr><th scope="row">${escapeMarkup(getName(status.component, language))}</th><td class="state ${status.state}">${getStateText(status, language)}</td><td data-label="${t.since}">${renderTime(status.since)}</td><td class="number" data-label="${t.uptime}">${formatUptime(status.uptimeBasisPoints)}${failures === '' ? '' : `<ul>${failures}</ul>`}</td></tr>`;
}

function renderIncidents({ incidents }: StatusView, language: Language): string {
  const { status: t } = siteMessagesFor(language);
  if (incidents.length === 0) return `<p>${t.noIncidents}</p>`;
  const items = incidents.map((incident) => {
    const end = incident.resolvedAt === null ? t.ongoing : renderTime(incident.resolvedAt);
    return `<li id="${escapeMarkup(incident.id)}"><strong>${escapeMarkup(getName(incident.component, language))}</strong>, ${renderTime(incident.openedAt)} – ${end}<br><span lang="en">${escapeMarkup(incident.summary)}</span></li>`;
  });
  return `<ul>${items.join('')}</ul>`;
}

/** The part of the status page that changes; the page around it is static. */
export function renderStatusHtml(view: StatusView, language: Language): string {
  const { status: t } = siteMessagesFor(language);
  if (view.checkedAt === null) return `<p>${t.noChecks}</p>`;
  const rows = view.components.map((status) => renderComponent(status, language)).join('');
  const notes = listNotes(view, language)
    .map((note) => `<p>${note}</p>`)
    .join('');
  return `<p>${t.lastCheck}: ${renderTime(view.checkedAt)}</p><div class="scroll" tabindex="0"><table class="stacked"><thead><tr><th scope="col">${t.component}</th><th scope="col">${t.state}</th><th scope="col">${t.since}</th><th scope="col" class="number">${t.uptime}</th></tr></thead><tbody>${rows}</tbody></table></div>${notes}<h2>${t.incidents}</h2>${renderIncidents(view, language)}`;
}

/** A summary is text of an operator: one line of it, so that it can't end the list. */
function toListItem(incident: StatusView['incidents'][number], language: Language): string {
  const { ongoing } = siteMessagesFor(language).status;
  const { component, openedAt, resolvedAt, summary } = incident;
  const end = resolvedAt === null ? ongoing : formatTime(resolvedAt);
  const text = summary.replace(/\s+/g, ' ').trim();
  return `- **${getName(component, language)}**, ${formatTime(openedAt)} – ${end}: ${text}`;
}

/** The same as `renderStatusHtml`, for programs. */
export function renderStatusMarkdown(view: StatusView, language: Language): string {
  const { status: t } = siteMessagesFor(language);
  if (view.checkedAt === null) return t.noChecks;
  const rows = view.components.map(
    (status) =>
      `| ${getName(status.component, language)} | ${getStateText(status, language)} | ${formatTime(status.since)} | ${formatUptime(status.uptimeBasisPoints)} |`,
  );
  const incidents = view.incidents.map((incident) => toListItem(incident, language));
  return [
    `${t.lastCheck}: ${formatTime(view.checkedAt)}\n`,
    `| ${t.component} | ${t.state} | ${t.since} | ${t.uptime} |`,
    '| --- | --- | --- | --- |',
    ...rows,
    ...listNotes(view, language).map((note) => `\n${note}`),
    `\n## ${t.incidents}\n`,
    incidents.length === 0 ? t.noIncidents : incidents.join('\n'),
  ].join('\n');
}

function toIso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

function toFailedDays({ failedDays }: ComponentStatus) {
  return failedDays.map(({ day, checks, failures }) => ({
    day: new Date(day * DAY_MS).toISOString().slice(0, 10),
    checks,
    failures,
  }));
}

const CANARY_RESULTS: Readonly<Record<ComponentState, string>> = {
  up: 'no_prompt_found',
  down: 'prompt_found',
  unknown: 'not_run_lately',
};

/**
 * The canary in words of its own: `up` of a component would say that it works, not what it found.
 */
function toCanaryJson(status: ComponentStatus | undefined) {
  if (status === undefined) return { result: 'never_run', since: null, failed_days: [] };
  const { state, since } = status;
  const result = CANARY_RESULTS[state];
  return { result, since: toIso(since), failed_days: toFailedDays(status) };
}

/** Names of fields and words are part of the interface: scripts of users read them. */
export function renderStatusJson(view: StatusView): string {
  const parts = view.components.filter(({ component }) => component !== CANARY_COMPONENT);
  const canary = view.components.find(({ component }) => component === CANARY_COMPONENT);
  return JSON.stringify({
    checked_at: toIso(view.checkedAt),
    components: parts.map((status) => ({
      component: status.component,
      state: status.state,
      since: toIso(status.since),
      uptime_90_days: formatUptime(status.uptimeBasisPoints),
      failed_days: toFailedDays(status),
    })),
    canary: toCanaryJson(canary),
    incidents: view.incidents.map((incident) => ({
      id: incident.id,
      component: incident.component,
      summary: incident.summary,
      opened_at: toIso(incident.openedAt),
      resolved_at: toIso(incident.resolvedAt),
    })),
  });
}

/** XML 1.0, 2.2: no escape makes these characters well-formed. */
function toXmlText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  return escapeMarkup(text.toWellFormed().replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, ' '));
}

/** `url` is the address of the status page. */
export function renderStatusFeed({ incidents, checkedAt }: StatusView, url: string): string {
  const entries = incidents.map((incident) => {
    const { id, component, summary, openedAt, resolvedAt } = incident;
    const state = resolvedAt === null ? '' : ' (resolved)';
    return `<entry><id>${escapeMarkup(`${url}#${id}`)}</id><title>${escapeMarkup(`${getName(component, 'en')}${state}`)}</title><link href="${escapeMarkup(`${url}#${id}`)}"/><published>${toIso(openedAt)}</published><updated>${toIso(resolvedAt ?? openedAt)}</updated><summary>${toXmlText(summary)}</summary></entry>`;
  });
  const updated = incidents.map(({ openedAt, resolvedAt }) => resolvedAt ?? openedAt);
  return `<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><id>${escapeMarkup(url)}</id><title>Farebox status</title><author><name>Farebox</name></author><link href="${escapeMarkup(url)}"/><link rel="self" href="${escapeMarkup(`${url}.atom`)}"/><updated>${toIso(Math.max(0, ...updated, checkedAt ?? 0))}</updated>${entries.join('')}</feed>
`;
}
