/**
 * The networks and the deposits on their way: each network's state, waiting deposits, incidents,
 * deposits in review and differences. With the permission, an operator resumes a network, releases
 * a deposit, rotates a key, or imports the treasury's report.
 */
import {
  type ChainState,
  countUnconfirmedSweeps,
  listDepositsInReview,
  listOpenDifferences,
  listOpenIncidents,
  listPinnedKeys,
  listSweepTotals,
  listWaitingDeposits,
  type PinnedKey,
  readChainStates,
} from '@farebox/database/deposits';
import { CHAINS, type Chain, formatAddress, NETWORK_NAMES } from '@farebox/deposits';
import { type Form, formatTokenUnits, Money, readForm } from '@farebox/design';
import { DAY_MS } from '@farebox/ledger';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { auditView, runAudited } from './audited-action.ts';
import { type DepositAction, parseAction } from './deposit-actions.ts';
import { findIssues, getAddressFamily, SWEEP_CONFIRMATION_MS } from './deposit-issues.ts';
import type { DepositSettings } from './env.ts';
import {
  errorPage,
  httpStatusFor,
  IssueList,
  operatorPage,
  ReasonField,
  Table,
  Timestamp,
} from './layout.tsx';
import type { OperatorContext, OperatorEnv } from './operator-auth.ts';
import type { Permission } from './roles.ts';
import { type ActionError, DEPOSIT_STATE_LABELS, SWEEP_STATE_LABELS } from './strings.ts';

const PATH = '/operators/deposits';
const MAX_SHOWN = 200;
/** The confirmed sweeps that the page sums up, by their report; over time nearly all are confirmed. */
const CONFIRMED_SWEEP_DAYS = 30;

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
  sweeps: Awaited<ReturnType<typeof listSweepTotals>>;
  unconfirmedSweeps: ReadonlyMap<string, number>;
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
  const [sweeps, unconfirmedSweeps] = await Promise.all([
    listSweepTotals(db, now() - CONFIRMED_SWEEP_DAYS * DAY_MS, MAX_SHOWN),
    countUnconfirmedSweeps(db, now() - SWEEP_CONFIRMATION_MS),
  ]);
  return {
    settings: c.var.deps.deposits,
    states,
    waiting,
    incidents,
    depositsInReview,
    differences,
    keys,
    sweeps,
    unconfirmedSweeps,
    now: now(),
  };
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
  return lastError ?? 'reading';
}

/** The final blocks that are not read yet; the lag shrinks while a scan catches up. */
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
      'Status',
      'Providers',
      'Read up to',
      'Behind',
      'Final',
      'Head',
      'Final block time',
      'Last poll',
      'Last audit',
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
    caption="Deposits not credited yet"
    headers={['Network', 'State', 'Deposits', 'Amount', 'Oldest']}
  >
    {overview.waiting.map(({ chain, state, count, amount, oldest }) => (
      <tr>
        <th scope="row">{networkName(chain)}</th>
        <td>{DEPOSIT_STATE_LABELS[state] ?? state}</td>
        <td>{count}</td>
        <td>
          <Money language="en" amount={amount} />
        </td>
        <td>
          <Timestamp at={oldest} />
        </td>
      </tr>
    ))}
  </Table>
);

/** The form of one action; all fields but the reason are hidden. */
const ActionForm: FC<
  Readonly<{ action: DepositAction; button: string; fields: Readonly<Record<string, string>> }>
> = ({ action, button, fields }) => (
  <form method="post" action={PATH}>
    <input type="hidden" name="action" value={action} />
    {Object.entries(fields).map(([name, value]) => (
      <input type="hidden" name={name} value={value} />
    ))}
    <ReasonField id={['reason', action, ...Object.values(fields)].join('-')} />
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
      caption="Unresolved incidents"
      headers={['Network', 'Kind', 'At', 'Block', 'Recorded', 'Found', 'Provider']}
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
            <h2>{`Resume ${networkName(chain)}`}</h2>
            <p>
              Scanning restarts 1,000 blocks below the incident, on the chain as it is now. Credited
              deposits stay credited: if the network reverted one, correct the balance by an
              adjustment.
            </p>
            <ActionForm action="resume_chain" button="Resume" fields={{ chain }} />
          </>
        ))}
  </>
);

const DepositsInReview: FC<{ overview: DepositsOverview }> = ({ overview }) => (
  <Table
    caption="Deposits in review"
    headers={['Transaction', 'Network', 'USDT', 'State', 'Reason', 'First seen']}
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
    caption="Differences found by the daily audit"
    headers={['Address', 'Network', 'Kind', 'Balance', 'Swept', 'Recorded', 'Since']}
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
            <Money language="en" amount={difference.held} />
          ) : (
            formatUnits(overview, difference.chain, difference.held)
          )}
        </td>
        <td>{formatUnits(overview, difference.chain, difference.swept)}</td>
        <td>
          {difference.kind === 'ledger' ? (
            <Money language="en" amount={difference.recorded} />
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
      caption="Extended public keys"
      headers={['Fingerprint', 'Family', 'Current', 'Addresses', 'Pinned', 'List']}
    >
      {overview.keys.map(({ family, fingerprint, current, nextIndex, pinnedAt }) => (
        <tr>
          <th scope="row">
            <code>{fingerprint}</code>
          </th>
          <td>{family}</td>
          <td>{current ? 'yes' : 'no, monitored'}</td>
          <td>{nextIndex}</td>
          <td>
            <Timestamp at={pinnedAt} />
          </td>
          <td>
            <a href={`${PATH}/addresses/${fingerprint}`}>Download</a>
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
            <h2>{`Rotate to ${fingerprint}`}</h2>
            <p>
              This key is configured for {family} but not pinned. Until it is, no address is shown
              to customers. Compare the fingerprint with the treasury’s output first.
            </p>
            <ActionForm
              action="rotate_key"
              button="Derive new addresses from this key"
              fields={{ family, fingerprint }}
            />
          </>
        ))}
  </>
);

const Sweeps: FC<{ overview: DepositsOverview }> = ({ overview }) => (
  <>
    <Table caption="Sweeps" headers={['Network', 'State', 'Destination', 'Sweeps', 'USDT']}>
      {overview.sweeps.map(({ chain, state, destination, count, units }) => (
        <tr>
          <th scope="row">{networkName(chain)}</th>
          <td>{SWEEP_STATE_LABELS[state]}</td>
          <td>
            {destination === null ? (
              '–'
            ) : (
              <code>{formatAddress(getAddressFamily(chain), destination)}</code>
            )}
          </td>
          <td>{count}</td>
          <td>{formatUnits(overview, chain, units)}</td>
        </tr>
      ))}
    </Table>
    <p>
      Confirmed sweeps are those of the reports of the last {CONFIRMED_SWEEP_DAYS} days. All others
      are listed, whatever their age.
    </p>
  </>
);

const SweepReportForm: FC = () => (
  <>
    <h2>Import the treasury’s report</h2>
    <p>
      Paste the file that the treasury’s report command wrote. Importing it twice has no effect. A
      sweep counts in the audit once every provider shows it in a final block.
    </p>
    <form method="post" action={PATH}>
      <input type="hidden" name="action" value="report_sweep" />
      <p class="field">
        <label for="report">Report</label>
        <textarea id="report" name="report" rows={6} required autocomplete="off"></textarea>
      </p>
      <ReasonField />
      <p>
        <button type="submit">Import report</button>
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
      <IssueList issues={issues} />
      <Networks overview={overview} />
      <WaitingDeposits overview={overview} />
      <Incidents overview={overview} canSettle={permissions.has('settle_deposits')} />
      <DepositsInReview overview={overview} />
      <Differences overview={overview} />
      <Sweeps overview={overview} />
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
  const action = form.text('action');
  return isDepositAction(action) ? { action, ...(await parseAction(c, action, form)) } : undefined;
}

deposits.post(PATH, async (c) => {
  const form = await readForm(c);
  const request = await parseRequest(c, form);
  if (request === undefined) return errorPage(c, 'not_found');
  const { action, subject, run } = request;
  const reason = form.text('reason');
  const permission = DEPOSIT_ACTION_PERMISSIONS[action];
  const outcome = await runAudited(c, { action, permission, subject, reason, run });
  if (outcome.ok) return c.redirect(`${PATH}?done=${outcome.done}`, 303);
  return c.var.operator.permissions.has('view_deposits')
    ? depositsPage(c, outcome.reason)
    : errorPage(c, outcome.reason);
});
