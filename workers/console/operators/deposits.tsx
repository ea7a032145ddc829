/**
 * The networks and the money on its way: how each does, what waits, what somebody has to look at. Whoever may,
 * lets a halted network go on, a held deposit be credited, a new key take over, and says what the treasury moved.
 */
import {
  type ChainState,
  openDifferences,
  openIncidents,
  type PinnedKey,
  pinnedKeys,
  readChainStates,
  setAsideDeposits,
  waitingDeposits,
} from '@farebox/database';
import { addressText, CHAINS, type Chain } from '@farebox/deposits';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { type DepositSettings, depositSettingsOf } from '../env.ts';
import { type Form, readForm } from '../forms.ts';
import { Money, Note } from '../page.tsx';
import { amountText, NETWORK_NAMES } from '../top-up/networks.ts';
import { doDeed, mayLook } from './deeds.ts';
import { concernsOf, familyOf } from './deposit-concerns.ts';
import { type DepositDeed, deedIn } from './deposit-deeds.ts';
import { ReasonField, refusedPage, staffPage, statusOf, Table, When } from './frame.tsx';
import type { Permission } from './roles.ts';
import type { Staff, StaffContext } from './staff.ts';
import { DEPOSIT_WORDS, type Refusal } from './texts.ts';

const PATH = '/operators/deposits';
const MOST_SHOWN = 200;

const PERMISSION_FOR: Readonly<Record<DepositDeed, Permission>> = {
  resume_chain: 'settle_deposits',
  release_deposit: 'settle_deposits',
  report_sweep: 'settle_deposits',
  rotate_key: 'rotate_key',
};

type Found = Readonly<{
  settings: DepositSettings;
  states: readonly ChainState[];
  waiting: Awaited<ReturnType<typeof waitingDeposits>>;
  incidents: Awaited<ReturnType<typeof openIncidents>>;
  setAside: Awaited<ReturnType<typeof setAsideDeposits>>;
  differences: Awaited<ReturnType<typeof openDifferences>>;
  keys: readonly PinnedKey[];
  now: number;
}>;

async function find(c: StaffContext): Promise<Found> {
  const { db, now } = c.var.house.identity;
  const [states, waiting, incidents, setAside, differences, keys] = await Promise.all([
    readChainStates(db),
    waitingDeposits(db),
    openIncidents(db, MOST_SHOWN),
    setAsideDeposits(db, MOST_SHOWN),
    openDifferences(db, null, MOST_SHOWN),
    pinnedKeys(db),
  ]);
  const settings = depositSettingsOf(c.env);
  return { settings, states, waiting, incidents, setAside, differences, keys, now: now() };
}

function chainOf({ settings }: Found, name: string): Chain | undefined {
  return settings.chains.find((chain) => chain.name === name);
}

function amountOn(found: Found, chain: string, units: bigint): string {
  const known = chainOf(found, chain);
  return known === undefined ? `${units}` : amountText(units, known.decimals);
}

function nameOf(chain: string): string {
  const known = CHAINS.find((name) => name === chain);
  return known === undefined ? chain : NETWORK_NAMES[known];
}

function standing({ haltedAt, trouble }: ChainState): string {
  if (haltedAt !== null) return `halted: ${trouble ?? ''}`;
  return trouble ?? 'reads on';
}

/** What is final and not read yet: it shrinks while a network is caught up with. */
function behindText(chain: Chain | undefined, { final, nextBlock }: ChainState): string {
  const blocks = final === null ? 0 : Math.max(0, final + 1 - nextBlock);
  if (blocks === 0 || chain === undefined) return '–';
  return `${blocks} blocks, ${Math.ceil((blocks * chain.blockMs) / 60_000)} min`;
}

const Networks: FC<{ found: Found }> = ({ found }) => (
  <Table
    caption="Networks"
    heads={[
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
    {found.states.map((state) => (
      <tr>
        <th scope="row">{nameOf(state.chain)}</th>
        <td>{standing(state)}</td>
        <td>{chainOf(found, state.chain)?.providers.length ?? 0}</td>
        <td>{state.nextBlock - 1}</td>
        <td>{behindText(chainOf(found, state.chain), state)}</td>
        <td>{state.final ?? '–'}</td>
        <td>{state.head ?? '–'}</td>
        <td>
          <When at={state.finalAt} />
        </td>
        <td>
          <When at={state.lookedAt} />
        </td>
        <td>
          <When at={state.auditAt} />
        </td>
      </tr>
    ))}
  </Table>
);

const Waiting: FC<{ found: Found }> = ({ found }) => (
  <Table
    caption="Money that is in no balance"
    heads={['Network', 'State', 'Deposits', 'Worth', 'Oldest']}
  >
    {found.waiting.map(({ chain, state, count, amount, oldest }) => (
      <tr>
        <th scope="row">{nameOf(chain)}</th>
        <td>{DEPOSIT_WORDS[state] ?? state}</td>
        <td>{count}</td>
        <td>
          <Money amount={amount} />
        </td>
        <td>
          <When at={oldest} />
        </td>
      </tr>
    ))}
  </Table>
);

/** A form for one deed, its fields hidden but for the reason. */
const DeedForm: FC<
  Readonly<{ deed: DepositDeed; button: string; fields: Readonly<Record<string, string>> }>
> = ({ deed, button, fields }) => (
  <form method="post" action={PATH}>
    <input type="hidden" name="deed" value={deed} />
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

const Incidents: FC<{ found: Found; may: boolean }> = ({ found, may }) => (
  <>
    <Table
      caption="Incidents nobody has looked at"
      heads={['Network', 'What', 'At', 'Block', 'We had', 'It says now', 'Provider']}
    >
      {found.incidents.map((incident) => (
        <tr>
          <th scope="row">{nameOf(incident.chain)}</th>
          <td>{incident.kind}</td>
          <td>
            <When at={incident.at} />
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
    {may &&
      found.states
        .filter(({ haltedAt }) => haltedAt !== null)
        .map(({ chain }) => (
          <>
            <h2>{`Let ${nameOf(chain)} go on`}</h2>
            <p>
              It is read again from 1,000 blocks below the evidence, on whatever is there now. What
              was credited stays credited: settle by an adjustment what the network took back.
            </p>
            <DeedForm deed="resume_chain" button="Let it go on" fields={{ chain }} />
          </>
        ))}
  </>
);

const SetAsideList: FC<{ found: Found }> = ({ found }) => (
  <Table
    caption="Deposits somebody has to look at"
    heads={['Transaction', 'Network', 'USDT', 'State', 'Why', 'Seen']}
  >
    {found.setAside.map(({ chain, txHash, logIndex, units, state, reason, seenAt }) => (
      <tr>
        <th scope="row">
          <a href={`${PATH}/${chain}/${txHash}/${logIndex}`}>
            <code>{`${txHash.slice(0, 12)}…`}</code>
          </a>
        </th>
        <td>{nameOf(chain)}</td>
        <td>{amountOn(found, chain, units)}</td>
        <td>{DEPOSIT_WORDS[state] ?? state}</td>
        <td>{reason}</td>
        <td>
          <When at={seenAt} />
        </td>
      </tr>
    ))}
  </Table>
);

const Differences: FC<{ found: Found }> = ({ found }) => (
  <Table
    caption="Differences the daily audit found"
    heads={['Address', 'Network', 'Kind', 'Holds', 'Swept', 'Recorded', 'Since']}
  >
    {found.differences.map((one) => (
      <tr>
        <th scope="row">
          <code>{addressText(familyOf(one.chain), one.address)}</code>
        </th>
        <td>{nameOf(one.chain)}</td>
        <td>{DEPOSIT_WORDS[one.kind] ?? one.kind}</td>
        <td>
          {one.kind === 'books' ? (
            <Money amount={one.held} />
          ) : (
            amountOn(found, one.chain, one.held)
          )}
        </td>
        <td>{amountOn(found, one.chain, one.swept)}</td>
        <td>
          {one.kind === 'books' ? (
            <Money amount={one.recorded} />
          ) : (
            amountOn(found, one.chain, one.recorded)
          )}
        </td>
        <td>
          <When at={one.since} />
        </td>
      </tr>
    ))}
  </Table>
);

const Keys: FC<{ found: Found; may: boolean }> = ({ found, may }) => (
  <>
    <Table
      caption="Public keys that addresses hang below"
      heads={['Fingerprint', 'Family', 'Gives new addresses', 'Addresses', 'Pinned', 'List']}
    >
      {found.keys.map(({ family, fingerprint, current, nextIndex, pinnedAt }) => (
        <tr>
          <th scope="row">
            <code>{fingerprint}</code>
          </th>
          <td>{family}</td>
          <td>{current ? 'yes' : 'no, watched'}</td>
          <td>{nextIndex}</td>
          <td>
            <When at={pinnedAt} />
          </td>
          <td>
            <a href={`${PATH}/addresses/${fingerprint}`}>download</a>
          </td>
        </tr>
      ))}
    </Table>
    {may &&
      found.keys
        .filter(({ current }) => current)
        .flatMap(({ family, fingerprint }) => {
          const configured = found.settings.current.get(familyOf(family))?.fingerprint;
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
            <DeedForm
              deed="rotate_key"
              button="Give new addresses below this key"
              fields={{ family, fingerprint }}
            />
          </>
        ))}
  </>
);

const Report: FC = () => (
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

async function roomPage(c: StaffContext, refusal?: Refusal) {
  const found = await find(c);
  const { may } = c.var.operator;
  const sentences = concernsOf({ ...found, chains: found.settings.chains });
  const status = refusal === undefined ? 200 : statusOf(refusal);
  return staffPage(
    c,
    { title: 'Deposits', here: PATH, refusal, status },
    <>
      {sentences.map((sentence) => (
        <Note kind="warning">{sentence}</Note>
      ))}
      {sentences.length === 0 && <p>Nothing here needs anybody.</p>}
      <Networks found={found} />
      <Waiting found={found} />
      <Incidents found={found} may={may.has('settle_deposits')} />
      <SetAsideList found={found} />
      <Differences found={found} />
      <Keys found={found} may={may.has('rotate_key')} />
      {may.has('settle_deposits') && <Report />}
    </>,
  );
}

export const deposits = new Hono<Staff>();

deposits.get(PATH, async (c) => {
  const look = { action: 'look_at_deposits', permission: 'see_deposits', subject: null } as const;
  return (await mayLook(c, look)) ? roomPage(c) : refusedPage(c, 'not_permitted');
});

function isDeed(text: string): text is DepositDeed {
  return Object.hasOwn(PERMISSION_FOR, text);
}

async function deedOf(c: StaffContext, form: Form) {
  const deed = form.text('deed');
  return isDeed(deed) ? { deed, ...(await deedIn(c, deed, form)) } : undefined;
}

deposits.post(PATH, async (c) => {
  const form = await readForm(c);
  const asked = await deedOf(c, form);
  if (asked === undefined) return refusedPage(c, 'unknown');
  const { deed, subject, act } = asked;
  const reason = form.text('reason');
  const permission = PERMISSION_FOR[deed];
  const outcome = await doDeed(c, { action: deed, permission, subject, reason, act });
  if (outcome.ok) return c.redirect(`${PATH}?done=${outcome.done}`, 303);
  return c.var.operator.may.has('see_deposits')
    ? roomPage(c, outcome.why)
    : refusedPage(c, outcome.why);
});
