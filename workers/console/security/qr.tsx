/** Renders a QR code as SVG, without a script and without sending the secret to another service. */
import type { FC } from 'hono/jsx';
import { encode } from 'uqr';

/** The quiet zone of four modules (ISO/IEC 18004 section 6.3.8). */
const QUIET_ZONE = 4;

/** Dark on light also in dark mode: many cameras can't read inverted codes. */
export const QrCode: FC<{ text: string; label: string }> = ({ text, label }) => {
  const { data, size } = encode(text, { border: QUIET_ZONE });
  const dark = data.flatMap((row, y) =>
    row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])),
  );
  return (
    <svg role="img" aria-label={label} class="qr" viewBox={`0 0 ${size} ${size}`}>
      <rect width={size} height={size} fill="#fff" />
      <path d={dark.join('')} fill="#000" shape-rendering="crispEdges" />
    </svg>
  );
};
