/** The networks with the time until a deposit is credited, or why it takes longer. */
import { type Chain, NETWORK_NAMES } from '@farebox/deposits';
import type { Messages } from '@farebox/i18n';
import type { FC } from 'hono/jsx';
import type { Network } from './confirmations.ts';
import { minutesToCredit } from './networks.ts';

/** `current` is the network of the page. */
export const NetworkList: FC<
  Readonly<{ messages: Messages; networks: readonly Network[]; current?: Chain }>
> = ({ messages, networks, current }) => {
  const { topUp: t } = messages;
  return (
    <ul class="networks" aria-label={t.chooseNetwork}>
      {networks.map(({ chain, status }) => {
        const name = <strong>{NETWORK_NAMES[chain.name]}</strong>;
        const text =
          status === 'ok' ? t.aboutMinutes(minutesToCredit(chain)) : t.networkStates[status];
        if (status === 'unavailable') {
          return (
            <li>
              <span class="closed">
                {name} <small>{text}</small>
              </span>
            </li>
          );
        }
        return (
          <li>
            <a
              href={`/top-up/${chain.name}`}
              class={status === 'halted' ? 'closed' : undefined}
              aria-current={chain.name === current?.name ? 'true' : undefined}
            >
              {name} <small>{text}</small>
            </a>
          </li>
        );
      })}
    </ul>
  );
};
