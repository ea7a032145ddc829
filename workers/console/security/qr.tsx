/** A QR code as a drawing of its own: nobody else is asked to draw a secret, and no script is needed. */
import type { FC } from 'hono/jsx';
import { encode } from 'uqr';

/** ISO/IEC 18004 section 6.3.8: four modules of quiet around it. */
const QUIET_ZONE = 4;

/** Dark on light in the dark too: many cameras read nothing else. */
export const QrCode: FC<{ text: string; label: string }> = ({ text, label }) => {
  const { data, size } = encode(text, { border: QUIET_ZONE });
  const dark = data.flatMap((row, y) =>
    row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])),
  );
  return (
    <svg role="img" aria-label={label} viewBox={`0 0 ${size} ${size}`} width="240" height="240">
      <rect width={size} height={size} fill="#fff" />
      <path d={dark.join('')} fill="#000" shape-rendering="crispEdges" />
    </svg>
  );
};
