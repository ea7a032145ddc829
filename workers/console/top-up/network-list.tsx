/** The networks with the time until a deposit is credited. */
import { type Chain, NETWORK_NAMES } from '@farebox/deposits';
import type { Messages } from '@farebox/i18n';
import type { FC } from 'hono/jsx';
import { minutesToCredit } from './networks.ts';

export function isOpen({ providers }: Chain): boolean {
  return providers.length > 0;
}

/** `current` is the network of the page. */
export const NetworkList: FC<
  Readonly<{ messages: Messages; chains: readonly Chain[]; current?: Chain }>
> = ({ messages, chains, current }) => {
  const { topUp: t } = messages;
  return (
    <ul class="networks" aria-label={t.chooseNetwork}>
      {chains.map((chain) => {
        const name = <strong>{NETWORK_NAMES[chain.name]}</strong>;
        if (!isOpen(chain)) {
          return (
            <li>
              <span class="closed">
                {name} <small>{t.networkUnavailable}</small>
              </span>
            </li>
          );
        }
        return (
          <li>
            <a
              href={`/top-up/${chain.name}`}
              aria-current={chain.name === current?.name ? 'true' : undefined}
            >
              {name} <small>{t.aboutMinutes(minutesToCredit(chain))}</small>
            </a>
          </li>
        );
      })}
    </ul>
  );
};
