/**
 * Draws results as self-contained SVG: no scripts, fonts or external resources. Numbers are printed
 * beside the bars, so that no information depends on colors.
 */
import { rowName } from './row-name.ts';
import type { RowSummary } from './row-summary.ts';

const COLOURS: Readonly<Record<string, string>> = {
  bare: '#8a8f98',
  floor: '#4c78a8',
  farebox: '#d1495b',
  portkey: '#b59a3c',
};
const LEFT = 250;
const WIDTH = 900;
const BAR = 13;

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function label(x: number, y: number, text: string, size = 11, anchor = 'start'): string {
  return `<text x="${x}" y="${y}" font-size="${size}" text-anchor="${anchor}" fill="#222">${escapeXml(text)}</text>`;
}

function frame(height: number, title: string, elements: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" role="img" aria-label="${escapeXml(title)}">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
${label(16, 26, title, 15)}
${elements.join('\n')}
</svg>
`;
}

/** Draws throughput relative to the bare Worker, with a group of bars per row. */
export function renderChart(summaries: readonly RowSummary[]): string {
  const drawnRows = summaries.filter(
    (summary) => summary.subject in COLOURS && summary.subject !== 'bare',
  );
  const max = Math.max(
    1,
    ...drawnRows.map((summary) => summary.toBare.median).filter(Number.isFinite),
  );
  const scale = (WIDTH - LEFT - 150) / max;
  const elements: string[] = [];
  let y = 48;
  let previousName = '';
  for (const summary of drawnRows) {
    const name = rowName(summary.row);
    if (name !== previousName) {
      y += 10;
      elements.push(label(LEFT - 8, y + BAR - 3, name, 11, 'end'));
    }
    previousName = name;
    const ratio = summary.toBare.median;
    const width = Number.isFinite(ratio) ? Math.max(1, ratio * scale) : 0;
    elements.push(
      `<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR - 2}" fill="${COLOURS[summary.subject] ?? '#000'}"/>`,
      label(
        LEFT + width + 5,
        y + BAR - 3,
        `${summary.subject} ${Number.isFinite(ratio) ? ratio.toFixed(2) : '–'}`,
        10,
      ),
    );
    y += BAR;
  }
  const bare = LEFT + scale;
  const rule = `<line x1="${bare}" x2="${bare}" y1="44" y2="${y}" stroke="#222" stroke-dasharray="3 3"/>`;
  return frame(y + 20, 'Calls per second, as a share of a bare pass-through Worker (dashed)', [
    ...elements,
    rule,
  ]);
}

export type Curve = Readonly<{ name: string; values: readonly number[] }>;

/** Draws curves over seconds. The scale starts at zero, so that a flat curve looks flat. */
export function renderCurves(title: string, unit: string, curves: readonly Curve[]): string {
  const height = 420;
  const max = Math.max(1, ...curves.flatMap((curve) => curve.values));
  const steps = Math.max(2, ...curves.map((curve) => curve.values.length));
  const x = (at: number) => 60 + (at * (WIDTH - 200)) / (steps - 1);
  const y = (value: number) => height - 40 - (value * (height - 100)) / max;
  const elements = curves.flatMap(({ name, values }) => {
    const points = values
      .map((value, at) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`)
      .join(' ');
    const last = values.at(-1) ?? 0;
    return [
      `<polyline points="${points}" fill="none" stroke="${COLOURS[name] ?? '#222'}" stroke-width="2"/>`,
      label(x(values.length - 1) + 6, y(last) + 4, `${name} ${last.toFixed(0)} ${unit}`, 11),
    ];
  });
  const axes = [
    `<path d="M60 50V${height - 40}H${WIDTH - 140}" fill="none" stroke="#222"/>`,
    label(54, y(max) + 4, max.toFixed(0), 10, 'end'),
    label(54, y(0) + 4, '0', 10, 'end'),
    label(WIDTH - 140, height - 24, `${steps - 1} s`, 10, 'end'),
  ];
  return frame(height, title, [...axes, ...elements]);
}
