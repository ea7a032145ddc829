/** The blocks of the benchmark page: what a call costs more, the peers, and the goals. */
import type { Language } from '@farebox/i18n';
import type { FC } from 'hono/jsx';
import { siteMessagesFor } from '../texts/index.ts';
import {
  type Addition,
  type Bar,
  type BenchmarkRun,
  comparePeers,
  listAdditions,
  listBars,
  listOwnGoals,
  type PeerComparison,
  SITUATIONS,
  type Situation,
  type Verdict,
} from './benchmark-results.ts';
import { renderTable } from './content-table.tsx';
import type { Rendered } from './page.ts';
import { describeGoal, describeRow } from './row-names.ts';

function formatNumber(value: number | null, language: Language, digits: number): string {
  if (value === null) return '–';
  return new Intl.NumberFormat(language, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(value);
}

function toMilliseconds(value: number | null, language: Language, digits = 1): string {
  if (value === null) return '–';
  return siteMessagesFor(language).benchmark.milliseconds(formatNumber(value, language, digits));
}

function toSituationName({ pace, connections }: Situation, language: Language): string {
  return describeRow(`${pace}, ${connections} concurrent`, language);
}

/** The difference of two figures; null where one is missing. */
function subtract(one: number | null, other: number | null): number | null {
  return one === null || other === null ? null : one - other;
}

/** When and on what the run was made. */
export function describeRun({ setting }: BenchmarkRun, language: Language): string {
  const { at, machine, rounds } = setting;
  return siteMessagesFor(language).benchmark.run(at.slice(0, 10), machine, String(rounds));
}

function describeFirst(addition: Addition, language: Language): string {
  const { benchmark: t } = siteMessagesFor(language);
  const added = toMilliseconds(addition.firstByteMs, language);
  const cpu = toMilliseconds(subtract(addition.cpuMs, addition.passThroughCpuMs), language);
  return t.answer(added, cpu);
}

/** The answer in one sentence, of one call at a time, and a table of every situation. */
export function renderAdditions(run: BenchmarkRun, language: Language): Rendered {
  const { benchmark: t } = siteMessagesFor(language);
  const additions = listAdditions(run);
  const [first] = additions;
  const sentence = first === undefined ? '' : describeFirst(first, language);
  const table = renderTable({
    head: [t.situation, t.addedWait, t.addedDistantWait, t.addedCpu, t.cpu],
    numbers: [1, 2, 3, 4],
    phoneLayout: 'stacked',
    rows: additions.map(
      ({ situation, firstByteMs, distantFirstByteMs, cpuMs, passThroughCpuMs }) => [
        toSituationName(situation, language),
        toMilliseconds(firstByteMs, language),
        toMilliseconds(distantFirstByteMs, language),
        toMilliseconds(subtract(cpuMs, passThroughCpuMs), language),
        toMilliseconds(cpuMs, language),
      ],
    ),
  });
  const html = String(
    <p class="figure">
      <strong>{sentence}</strong>
    </p>,
  );
  return { html: html + table.html, markdown: `**${sentence}**\n\n${table.markdown}` };
}

type BarsProps = Readonly<{ caption: string; bars: readonly Bar[]; language: Language }>;

const Bars: FC<BarsProps> = ({ caption, bars, language }) => {
  const { subjects } = siteMessagesFor(language).benchmark;
  const longest = Math.max(...bars.map(({ cpuMs }) => cpuMs));
  return (
    <table class="bars">
      <caption>{caption}</caption>
      <tbody>
        {bars.map(({ subject, cpuMs }) => (
          <tr class={subject === 'farebox' ? 'own' : undefined}>
            <th scope="row">{subjects[subject]}</th>
            <td>
              <svg aria-hidden="true">
                <rect width={`${((100 * cpuMs) / longest).toFixed(1)}%`} height="100%" rx="2" />
              </svg>
            </td>
            <td class="number">{toMilliseconds(cpuMs, language)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
};

/** CPU time as bars, one chart per situation; each bar has its figure beside it. */
export function renderBars(run: BenchmarkRun, language: Language): Rendered {
  const { benchmark: t } = siteMessagesFor(language);
  const charts = SITUATIONS.map((situation) => ({
    caption: toSituationName(situation, language),
    bars: listBars(run, situation),
  })).filter(({ bars }) => bars.length > 0);
  const table = renderTable({
    head: [t.situation, t.subject, t.cpu],
    rows: charts.flatMap(({ caption, bars }) =>
      bars.map(({ subject, cpuMs }) => [
        caption,
        t.subjects[subject],
        toMilliseconds(cpuMs, language),
      ]),
    ),
  });
  const html = charts.map(({ caption, bars }) =>
    String(<Bars caption={caption} bars={bars} language={language} />),
  );
  return { html: html.join(''), markdown: table.markdown };
}

function describePeer(comparison: PeerComparison, language: Language): string {
  const { benchmark: t } = siteMessagesFor(language);
  const { peer, ratios, ahead, least, most } = comparison;
  return t.peer({
    peer: t.subjects[peer],
    behind: String(ratios.size - ahead),
    ahead: String(ahead),
    rows: String(ratios.size),
    least: formatNumber(least, language, 2),
    most: formatNumber(most, language, 2),
  });
}

/** A sentence for each peer, and Farebox's CPU time as a multiple of the peer's in every row. */
export function renderPeers(run: BenchmarkRun, language: Language): Rendered {
  const { benchmark: t } = siteMessagesFor(language);
  const peers = comparePeers(run);
  const rows = [...new Set(peers.flatMap(({ ratios }) => [...ratios.keys()]))];
  const table = renderTable({
    head: [t.situation, ...peers.map(({ peer }) => t.multiple(t.subjects[peer]))],
    numbers: peers.map((_, index) => index + 1),
    phoneLayout: 'stacked',
    rows: rows.map((row) => [
      describeRow(row, language),
      ...peers.map(({ ratios }) => formatNumber(ratios.get(row) ?? null, language, 2)),
    ]),
  });
  const sentences = peers.map((comparison) => describePeer(comparison, language));
  const list = (
    <ul>
      {sentences.map((sentence) => (
        <li>{sentence}</li>
      ))}
    </ul>
  );
  const details = `<details><summary>${t.everySituation(String(rows.length))}</summary>${table.html}</details>`;
  return {
    html: String(list) + details,
    markdown: `${sentences.map((sentence) => `- ${sentence}`).join('\n')}\n\n${table.markdown}`,
  };
}

/** `≤ 2.7`, with the decimal mark of the language and as many decimals as the goal has. */
function formatWanted(wanted: string, language: Language): string {
  return wanted.replace(/\d+(?:\.(\d+))?/, (number, decimals = '') =>
    formatNumber(Number(number), language, decimals.length),
  );
}

function toGoalCells({ goal, row, measured, wanted, reached }: Verdict, language: Language) {
  const { benchmark: t } = siteMessagesFor(language);
  return [
    describeGoal(goal, language),
    describeRow(row, language),
    formatNumber(measured, language, 2),
    formatWanted(wanted, language),
    reached ? t.reached : t.missed,
  ];
}

/** Every goal, missed ones included; the ones about a peer are counted, as each row is above. */
export function renderGoals(run: BenchmarkRun, language: Language): Rendered {
  const { benchmark: t } = siteMessagesFor(language);
  const goals = listOwnGoals(run);
  const reached = goals.filter((goal) => goal.reached).length;
  const sentence = t.goalCount(String(reached), String(goals.length));
  const table = renderTable({
    head: [t.goal, t.situation, t.measured, t.wanted, t.result],
    numbers: [2, 3],
    phoneLayout: 'stacked',
    rows: [
      ...goals.map((verdict) => toGoalCells(verdict, language)),
      ...comparePeers(run).map(({ peer, ratios, ahead }) => [
        t.peerGoal(t.subjects[peer]),
        t.everySituation(String(ratios.size)),
        t.share(String(ahead), String(ratios.size)),
        t.share(String(ratios.size), String(ratios.size)),
        ahead === ratios.size ? t.reached : t.missed,
      ]),
    ],
  });
  return {
    html: String(<p>{sentence}</p>) + table.html,
    markdown: `${sentence}\n\n${table.markdown}`,
  };
}
