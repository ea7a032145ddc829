/** Incidents of the public status page: operators open them, and say when they are over. */
import { insertIncident, listIncidents, resolveIncident } from '@farebox/database/status';
import { STATUS_COMPONENTS } from '@farebox/database/status/components';
import { Field, type Form, readForm } from '@farebox/design';
import { PROVIDER_IDS } from '@farebox/providers/list';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { type ActionOutcome, auditView, runAudited } from './audited-action.ts';
import { errorPage, operatorPage, ReasonField, Table, Timestamp } from './layout.tsx';
import type { OperatorContext, OperatorEnv } from './operator-auth.ts';

const PATH = '/operators/incidents';
const MAX_SUMMARY = 250;
/** The components of the status page. */
const COMPONENTS: readonly string[] = [...STATUS_COMPONENTS, ...PROVIDER_IDS];

type ParsedAction = Readonly<{
  action: 'open_incident' | 'resolve_incident';
  /** The incident's id; absent if the form has none. */
  about?: string;
  run: (() => Promise<ActionOutcome>) | undefined;
}>;

function isSummary(text: string): boolean {
  return text.length >= 10 && text.length <= MAX_SUMMARY && !/\p{Cc}/u.test(text);
}

/** Returns the id that the form was made with, if it can be one. */
function readId(form: Form): string | undefined {
  const id = form.text('id');
  return /^[0-9a-f]{32}$/.test(id) ? id : undefined;
}

function parseOpening(c: OperatorContext, form: Form): ParsedAction {
  const { db, now } = c.var.deps;
  const component = COMPONENTS.find((name) => name === form.text('component'));
  const [id, summary] = [readId(form), form.text('summary').trim()];
  if (id === undefined) return { action: 'open_incident', run: undefined };
  if (component === undefined || !isSummary(summary)) {
    return { action: 'open_incident', about: id, run: undefined };
  }
  const incident = { id, component, summary, openedAt: now(), operator: c.var.operator.email };
  const run = async (): Promise<ActionOutcome> => {
    await insertIncident(db, incident);
    return { ok: true, done: 'incident_opened' };
  };
  return { action: 'open_incident', about: id, run };
}

function parseResolution(c: OperatorContext, form: Form): ParsedAction {
  const { db, now } = c.var.deps;
  const id = readId(form);
  if (id === undefined) return { action: 'resolve_incident', run: undefined };
  const run = async (): Promise<ActionOutcome> =>
    (await resolveIncident(db, id, now()))
      ? { ok: true, done: 'incident_resolved' }
      : { ok: false, reason: 'already_decided' };
  return { action: 'resolve_incident', about: id, run };
}

const ResolveForm: FC<{ id: string }> = ({ id }) => (
  <form method="post" action={PATH}>
    <input type="hidden" name="action" value="resolve" />
    <input type="hidden" name="id" value={id} />
    <ReasonField id={`reason-${id}`} />
    <p>
      <button type="submit">Resolve</button>
    </p>
  </form>
);

/** The id is made with the form, so that a form that is sent twice opens one incident. */
const OpenForm: FC<{ id: string }> = ({ id }) => (
  <form method="post" action={PATH}>
    <h2>Report an incident</h2>
    <input type="hidden" name="action" value="open" />
    <input type="hidden" name="id" value={id} />
    <p class="field">
      <label for="component">Component</label>
      <select id="component" name="component">
        {COMPONENTS.map((name) => (
          <option value={name}>{name}</option>
        ))}
      </select>
    </p>
    <Field
      name="summary"
      label="Public summary"
      hint="10 to 250 characters, in English: what happened, who notices, what they can do. Everyone can read it."
      required
      minlength={10}
      maxlength={MAX_SUMMARY}
      autocomplete="off"
    />
    <ReasonField />
    <p>
      <button type="submit">Publish</button>
    </p>
  </form>
);

export const incidents = new Hono<OperatorEnv>();

incidents.get(PATH, async (c) => {
  const view = { action: 'view_incidents', permission: 'view_health', subject: null } as const;
  if (!(await auditView(c, view))) return errorPage(c, 'not_permitted');
  const { db, now } = c.var.deps;
  const listed = await listIncidents(db, now());
  const mayPublish = c.var.operator.permissions.has('publish_incident');
  const id = crypto.randomUUID().replaceAll('-', '');
  return operatorPage(
    c,
    { title: 'Incidents', activePath: PATH },
    <>
      <p>The public status page shows these for 90 days.</p>
      <Table caption="Incidents" headers={['Component', 'Summary', 'Opened', 'Resolved']}>
        {listed.map((incident) => (
          <tr>
            <th scope="row">{incident.component}</th>
            <td>{incident.summary}</td>
            <td>
              <Timestamp at={incident.openedAt} />
            </td>
            <td>
              {incident.resolvedAt === null && mayPublish ? (
                <ResolveForm id={incident.id} />
              ) : (
                <Timestamp at={incident.resolvedAt} />
              )}
            </td>
          </tr>
        ))}
      </Table>
      {mayPublish && <OpenForm id={id} />}
    </>,
  );
});

incidents.post(PATH, async (c) => {
  const form = await readForm(c);
  const isOpening = form.text('action') === 'open';
  const { action, about, run } = isOpening ? parseOpening(c, form) : parseResolution(c, form);
  const outcome = await runAudited(c, {
    action,
    permission: 'publish_incident',
    subject: null,
    ...(about === undefined ? {} : { about: `incident ${about}` }),
    reason: form.text('reason'),
    run,
  });
  if (!outcome.ok) return errorPage(c, outcome.reason);
  return c.redirect(`${PATH}?done=${outcome.done}`, 303);
});
