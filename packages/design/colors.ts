/** The colours that pages and emails share. */

type Color = Readonly<{ light: string; dark: string }>;

export const COLORS = {
  ground: { light: '#f6f7f9', dark: '#0e1116' },
  surface: { light: '#ffffff', dark: '#161b22' },
  ink: { light: '#111827', dark: '#e8ecf2' },
  quiet: { light: '#4b5768', dark: '#a3afbf' },
  line: { light: '#dfe3e9', dark: '#2b3440' },
  accent: { light: '#1f4fd1', dark: '#8ab0ff' },
  onAccent: { light: '#ffffff', dark: '#0b1a3a' },
} as const satisfies Readonly<Record<string, Color>>;

export const MARK_COLORS = { field: '#1b3fae', coin: '#f5b301', box: '#fff' } as const;

/** The value of CSS for both schemes. */
export function toLightDark({ light, dark }: Color): string {
  return `light-dark(${light}, ${dark})`;
}
