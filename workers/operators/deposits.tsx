/**
 * The networks and the money on its way: how each does, what waits, what somebody has to look at. Whoever may,
 * lets a halted network go on, a held deposit be credited, a new key take over, and says what the treasury moved.
 */
import {
  type ChainState,
  listDepositsInReview,
  listOpenDifferences,
  listOpenIncidents,
  listPinnedKeys,
  listWaitingDeposits,
  type PinnedKey,
  readChainStates,
} from '@farebox/database/deposits';
import { CHAINS, type Chain, formatAddress, NETWORK_NAMES } from '@farebox/deposits';
import { type Form, formatTokenUnits, Money, Note, readForm } from '@farebox/design';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { auditView, runAudited } from './audited-action.ts';
import { type DepositAction, parseAction } from './deposit-actions.ts';
import { findIssues, getAddressFamily } from './deposit-issues.ts';
import type { DepositSettings } from './env.ts';
import {
  errorPage,
  httpStatusFor,
  operatorPage,
  ReasonField,
  Table,
  Timestamp,
} from './layout.tsx';
import type { OperatorContext, OperatorEnv } from './operator-auth.ts';
import type { Permission } from './roles.ts';
import { type ActionError, DEPOSIT_STATE_LABELS } from './strings.ts';

const PATH = '/operators/deposits';
const MAX_SHOWN = 200;

const DEPOSIT_ACTION_PERMISSIONS: Readonly<Record<DepositAction, Permission>> = {
  resume_chain: 'settle_deposits',
  release_deposit: 'settle_deposits',
  report_sweep: 'settle_deposits',
  rotate_key: 'rotate_key',
};

type DepositsOverview = Readonly<{
  settings: DepositSettings;
  states: readonly ChainState[];
  waiting: Awaited<ReturnType<typeof listWaitingDeposits>>;
  incidents: Awaited<ReturnType<typeof listOpenIncidents>>;
  depositsInReview: Awaited<ReturnType<typeof listDepositsInReview>>;
  differences: Awaited<ReturnType<typeof listOpenDifferences>>;
  keys: readonly PinnedKey[];
  now: number;
}>;

async function loadOverview(c: OperatorContext): Promise<DepositsOverview> {
  const { db, now } = c.var.deps;
  const [states, waiting, incidents, depositsInReview, differences, keys] = await Promise.all([
    readChainStates(db),
    listWaitingDeposits(db),
    listOpenIncidents(db, MAX_SHOWN),
    listDepositsInReview(db, MAX_SHOWN),
    listOpenDifferences(db, null, MAX_SHOWN),
    listPinnedKeys(db),
  ]);
  const settings = c.var.deps.deposits;
  return { settings, states, waiting, incidents, depositsInReview, differences, keys, now: now() };
}

function getChain({ settings }: DepositsOverview, name: string): Chain | undefined {
  return settings.chains.find((chain) => chain.name === name);
}

function formatUnits(overview: DepositsOverview, chain: string, units: bigint): string {
  const chainConfig = getChain(overview, chain);
  return chainConfig === undefined ? `${units}` : formatTokenUnits(units, chainConfig.decimals);
}

function networkName(chain: string): string {
  const chainName = CHAINS.find((name) => name === chain);
  return chainName === undefined ? chain : NETWORK_NAMES[chainName];
}

function chainStatus({ haltedAt, lastError }: ChainState): string {
  if (haltedAt !== null) return `halted: ${lastError ?? ''}`;
  return lastError ?? 'reads on';
}

/** What is final and not read yet: it shrinks while a network is caught up with. */
function formatLag(chain: Chain | undefined, { final, nextBlock }: ChainState): string {
  const blocks = final === null ? 0 : Math.max(0, final + 1 - nextBlock);
  if (blocks === 0 || chain === undefined) return '–';
  return `${blocks} blocks, ${Math.ceil((blocks * chain.blockMs) / 60_000)} min`;
}

const Networks: FC<{ overview: DepositsOverview }> = ({ overview }) => (
  <Table
    caption="Networks"
    headers={[
      'Network',
      'Standing',
      'Providers',
      'Read to',
      'Behind',
      'Final',
      'Head',
      'Final block of',
      'Last look',
      'Audited',
    ]}
  >
    {overview.states.map((state) => (
      <tr>
        <th scope="row">{networkName(state.chain)}</th>
        <td>{chainStatus(state)}</td>
        <td>{getChain(overview, state.chain)?.providers.length ?? 0}</td>
        <td>{state.nextBlock - 1}</td>
        <td>{formatLag(getChain(overview, state.chain), state)}</td>
        <td>{state.final ?? '–'}</td>
        <td>{state.head ?? '–'}</td>
        <td>
          <Timestamp at={state.finalAt} />
        </td>
        <td>
          <Timestamp at={state.lastPolledAt} />
        </td>
        <td>
          <Timestamp at={state.lastAuditAt} />
        </td>
      </tr>
    ))}
  </Table>
);

const WaitingDeposits: FC<{ overview: DepositsOverview }> = ({ overview }) => (
  <Table
    caption="Money that is in no balance"
    headers={['Network', 'State', 'Deposits', 'Worth', 'Oldest']}
  >
    {overview.waiting.map(({ chain, state, count, amount, oldest }) => (
      <tr>
        <th scope="row">{networkName(chain)}</th>
        <td>{DEPOSIT_STATE_LABELS[state] ?? state}</td>
        <td>{count}</td>
        <td>
          <Money amount={amount} />
        </td>
        <td>
          <Timestamp at={oldest} />
        </td>
      </tr>
    ))}
  </Table>
);

/** A form for one deed, its fields hidden but for the reason. */
const ActionForm: FC<
  Readonly<{ action: DepositAction; button: string; fields: Readonly<Record<string, string>> }>
> = ({ action, button, fields }) => (
  <form method="post" action={PATH}>
    <input type="hidden" name="deed" value={action} />
    {Object.entries(fields).map(([name, value]) => (
      <input type="hidden" name={name} value={value} />
    ))}
    <ReasonField />
    <p>
      <button type="submit" class="danger">
        {button}
      </button>
    </p>
  </form>
);

const Incidents: FC<{ overview: DepositsOverview; canSettle: boolean }> = ({
  overview,
  canSettle,
}) => (
  <>
    <Table
      caption="Incidents nobody has looked at"
      headers={['Network', 'What', 'At', 'Block', 'We had', 'It says now', 'Provider']}
    >
      {overview.incidents.map((incident) => (
        <tr>
          <th scope="row">{networkName(incident.chain)}</th>
          <td>{incident.kind}</td>
          <td>
            <Timestamp at={incident.at} />
          </td>
          <td>{incident.blockNumber ?? '–'}</td>
          <td>
            <code>{incident.expected ?? '–'}</code>
          </td>
          <td>
            <code>{incident.found ?? '–'}</code>
          </td>
          <td>{incident.provider === null ? '–' : incident.provider + 1}</td>
        </tr>
      ))}
    </Table>
    {canSettle &&
      overview.states
        .filter(({ haltedAt }) => haltedAt !== null)
        .map(({ chain }) => (
          <>
            <h2>{`Let ${networkName(chain)} go on`}</h2>
            <p>
              It is read again from 1,000 blocks below the evidence, on whatever is there now. What
              was credited stays credited: settle by an adjustment what the network took back.
            </p>
            <ActionForm action="resume_chain" button="Let it go on" fields={{ chain }} />
          </>
        ))}
  </>
);

const DepositsInReview: FC<{ overview: DepositsOverview }> = ({ overview }) => (
  <Table
    caption="Deposits somebody has to look at"
    headers={['Transaction', 'Network', 'USDT', 'State', 'Why', 'Seen']}
  >
    {overview.depositsInReview.map(({ chain, txHash, logIndex, units, state, reason, seenAt }) => (
      <tr>
        <th scope="row">
          <a href={`${PATH}/${chain}/${txHash}/${logIndex}`}>
            <code>{`${txHash.slice(0, 12)}…`}</code>
          </a>
        </th>
        <td>{networkName(chain)}</td>
        <td>{formatUnits(overview, chain, units)}</td>
        <td>{DEPOSIT_STATE_LABELS[state] ?? state}</td>
        <td>{reason}</td>
        <td>
          <Timestamp at={seenAt} />
        </td>
      </tr>
    ))}
  </Table>
);

const Differences: FC<{ overview: DepositsOverview }> = ({ overview }) => (
  <Table
    caption="Differences the daily audit found"
    headers={['Address', 'Network', 'Kind', 'Holds', 'Swept', 'Recorded', 'Since']}
  >
    {overview.differences.map((difference) => (
      <tr>
        <th scope="row">
          <code>{formatAddress(getAddressFamily(difference.chain), difference.address)}</code>
        </th>
        <td>{networkName(difference.chain)}</td>
        <td>{DEPOSIT_STATE_LABELS[difference.kind] ?? difference.kind}</td>
        <td>
          {difference.kind === 'ledger' ? (
            <Money amount={difference.held} />
          ) : (
            formatUnits(overview, difference.chain, difference.held)
          )}
        </td>
        <td>{formatUnits(overview, difference.chain, difference.swept)}</td>
        <td>
          {difference.kind === 'ledger' ? (
            <Money amount={difference.recorded} />
          ) : (
            formatUnits(overview, difference.chain, difference.recorded)
          )}
        </td>
        <td>
          <Timestamp at={difference.since} />
        </td>
      </tr>
    ))}
  </Table>
);

const Keys: FC<{ overview: DepositsOverview; canRotate: boolean }> = ({ overview, canRotate }) => (
  <>
    <Table
      caption="Public keys that addresses hang below"
      headers={['Fingerprint', 'Family', 'Gives new addresses', 'Addresses', 'Pinned', 'List']}
    >
      {overview.keys.map(({ family, fingerprint, current, nextIndex, pinnedAt }) => (
        <tr>
          <th scope="row">
            <code>{fingerprint}</code>
          </th>
          <td>{family}</td>
          <td>{current ? 'yes' : 'no, watched'}</td>
          <td>{nextIndex}</td>
          <td>
            <Timestamp at={pinnedAt} />
          </td>
          <td>
            <a href={`${PATH}/addresses/${fingerprint}`}>download</a>
          </td>
        </tr>
      ))}
    </Table>
    {canRotate &&
      overview.keys
        .filter(({ current }) => current)
        .flatMap(({ family, fingerprint }) => {
          const configured = overview.settings.currentKeys.get(
            getAddressFamily(family),
          )?.fingerprint;
          return configured === undefined || configured === fingerprint
            ? []
            : [{ family, fingerprint: configured }];
        })
        .map(({ family, fingerprint }) => (
          <>
            <h2>{`Let ${fingerprint} take over`}</h2>
            <p>
              It is configured for {family} but not pinned: nobody is shown an address until it is.
              Compare the fingerprint with what the treasury printed before you do.
            </p>
            <ActionForm
              action="rotate_key"
              button="Give new addresses below this key"
              fields={{ family, fingerprint }}
            />
          </>
        ))}
  </>
);

const SweepReportForm: FC = () => (
  <>
    <h2>What the treasury moved</h2>
    <p>The file that its report wrote. Told twice it counts once.</p>
    <form method="post" action={PATH}>
      <input type="hidden" name="deed" value="report_sweep" />
      <p class="field">
        <label for="report">The report</label>
        <textarea id="report" name="report" rows={6} required autocomplete="off"></textarea>
      </p>
      <ReasonField />
      <p>
        <button type="submit">Take it in</button>
      </p>
    </form>
  </>
);

async function depositsPage(c: OperatorContext, error?: ActionError) {
  const overview = await loadOverview(c);
  const { permissions } = c.var.operator;
  const issues = findIssues({ ...overview, chains: overview.settings.chains });
  const status = error === undefined ? 200 : httpStatusFor(error);
  return operatorPage(
    c,
    { title: 'Deposits', activePath: PATH, error, status },
    <>
      {issues.map((issue) => (
        <Note kind="warning">{issue}</Note>
      ))}
      {issues.length === 0 && <p>Nothing here needs anybody.</p>}
      <Networks overview={overview} />
      <WaitingDeposits overview={overview} />
      <Incidents overview={overview} canSettle={permissions.has('settle_deposits')} />
      <DepositsInReview overview={overview} />
      <Differences overview={overview} />
      <Keys overview={overview} canRotate={permissions.has('rotate_key')} />
      {permissions.has('settle_deposits') && <SweepReportForm />}
    </>,
  );
}

export const deposits = new Hono<OperatorEnv>();

deposits.get(PATH, async (c) => {
  const view = { action: 'view_deposits', permission: 'view_deposits', subject: null } as const;
  return (await auditView(c, view)) ? depositsPage(c) : errorPage(c, 'not_permitted');
});

function isDepositAction(text: string): text is DepositAction {
  return Object.hasOwn(DEPOSIT_ACTION_PERMISSIONS, text);
}

async function parseRequest(c: OperatorContext, form: Form) {
  const action = form.text('deed');
  return isDepositAction(action)
    ? { deed: action, ...(await parseAction(c, action, form)) }
    : undefined;
}

deposits.post(PATH, async (c) => {
  const form = await readForm(c);
  const request = await parseRequest(c, form);
  if (request === undefined) return errorPage(c, 'not_found');
  const { deed: action, subject, run } = request;
  const reason = form.text('reason');
  const permission = DEPOSIT_ACTION_PERMISSIONS[action];
  const outcome = await runAudited(c, { action: action, permission, subject, reason, run });
  if (outcome.ok) return c.redirect(`${PATH}?done=${outcome.done}`, 303);
  return c.var.operator.permissions.has('view_deposits')
    ? depositsPage(c, outcome.reason)
    : errorPage(c, outcome.reason);
});
