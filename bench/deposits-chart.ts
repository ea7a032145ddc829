/**
 * Draws the time of one cron run by the number of accounts, one bar each, with its number beside
 * it.
 */

export type Bar = Readonly<{ name: string; value: number }>;

const WIDTH = 720;
const LEFT = 160;
const ROW = 30;

/** Returns a self-contained SVG with all bars on one scale. */
export function renderBars(bars: readonly Bar[]): string {
  const scale = (WIDTH - LEFT - 110) / Math.max(...bars.map(({ value }) => value));
  const rendered = bars.map(({ name, value }, n) => {
    const y = 46 + n * ROW;
    const width = Math.max(1, value * scale);
    return `<text x="${LEFT - 8}" y="${y + 13}" font-size="11" text-anchor="end" fill="#222">${name}</text>
<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="18" fill="#4c78a8"/>
<text x="${(LEFT + width + 5).toFixed(1)}" y="${y + 13}" font-size="11" fill="#222">${value.toFixed(0)} ms</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${56 + bars.length * ROW}" font-family="sans-serif" role="img" aria-label="Time of one cron run by the number of accounts">
<rect width="${WIDTH}" height="100%" fill="#fff"/>
<text x="16" y="26" font-size="15" fill="#222">Time of one cron run on BNB Smart Chain, by the number of accounts</text>
${rendered.join('\n')}
</svg>
`;
}
