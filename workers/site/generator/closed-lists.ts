/** Blocks made of the code's own closed lists: settlement reasons and networks. */
import { type Chain, NETWORK_NAMES } from '@farebox/deposits';
import { formatCount, formatTokenUnits } from '@farebox/design';
import { type Language, messagesFor } from '@farebox/i18n';
import { SETTLE_REASONS } from '@farebox/ledger';
import { siteMessagesFor } from '../texts/index.ts';
import { renderTable } from './content-table.tsx';
import type { Rendered } from './page.ts';

/** Why a call cost what it did, in the words of the console. */
export function renderReasons(language: Language): Rendered {
  const { reasons: t } = siteMessagesFor(language);
  const meanings = messagesFor(language).reasons;
  return renderTable({
    head: [t.code, t.meaning],
    phoneLayout: 'stacked',
    rows: SETTLE_REASONS.map((reason) => [{ text: reason, isCode: true }, meanings[reason]]),
  });
}

/** The networks that take deposits, with their minimum and confirmations. */
export function renderNetworks(networks: readonly Chain[], language: Language): Rendered {
  const { networks: t } = siteMessagesFor(language);
  return renderTable({
    head: [t.network, t.minimum, t.confirmations, t.large],
    numbers: [1, 2, 3],
    phoneLayout: 'stacked',
    rows: networks.map((chain) => [
      NETWORK_NAMES[chain.name],
      `${formatTokenUnits(chain.minimumUnits, chain.decimals)} USDT`,
      formatCount(chain.depth, language),
      formatCount(chain.largeDepth, language),
    ]),
  });
}
