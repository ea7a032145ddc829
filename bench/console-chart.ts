/**
 * Draws the effect of database size: two bars per page, small above large, with numbers beside
 * them.
 */

export type PageTiming = Readonly<{ name: string; small: number; large: number }>;

const WIDTH = 720;
const LEFT = 200;
const BAR = 14;
const GROUP = 44;

function bar(y: number, ms: number, scale: number, label: string, colour: string): string {
  const width = Math.max(1, ms * scale);
  return `<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR - 2}" fill="${colour}"/>
<text x="${LEFT + width + 5}" y="${y + BAR - 4}" font-size="10" fill="#222">${label} ${ms.toFixed(1)} ms</text>`;
}

/**
 * Returns a self-contained SVG. Each page has its own scale, because a sign-in takes as long as 40
 * overviews.
 */
export function renderBars(timings: readonly PageTiming[]): string {
  const groups = timings.map(({ name, small, large }, n) => {
    const y = 44 + n * GROUP;
    const scale = (WIDTH - LEFT - 130) / Math.max(small, large);
    return `<text x="${LEFT - 8}" y="${y + BAR + 2}" font-size="11" text-anchor="end" fill="#222">${name}</text>
${bar(y, small, scale, 'small', '#8a8f98')}
${bar(y + BAR, large, scale, 'large', '#d1495b')}`;
  });
  const height = 44 + timings.length * GROUP;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" role="img" aria-label="Median waiting time, small and large database">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="16" y="26" font-size="15" fill="#222">Median waiting time, each page on its own scale</text>
${groups.join('\n')}
</svg>
`;
}
