/**
 * The mark and the styles of emails. Clients of email load no stylesheet and show no SVG, and remote
 * images tell the sender of the reading: so styles are attributes, and the mark is made of boxes. Only
 * the dark scheme needs a style element, which clients that know no dark scheme leave out.
 */
import { COLORS, MARK_COLORS } from './colors.ts';

export { COLORS as EMAIL_COLORS } from './colors.ts';

const { field, coin, box } = MARK_COLORS;

/** Declarations of CSS for `style` attributes, in the light scheme, with the site's colours. */
export const EMAIL_STYLES = {
  body: `margin:0;padding:24px 16px;background:${COLORS.ground.light};color:${COLORS.ink.light};font:15px/1.6 system-ui,'Segoe UI','Noto Sans','PingFang SC','Noto Sans SC',sans-serif;overflow-wrap:anywhere`,
  card: `max-width:560px;margin:0 auto;padding:24px;background:${COLORS.surface.light};border:1px solid ${COLORS.line.light};border-radius:12px`,
  name: 'margin:8px 0 16px;font-size:17px;font-weight:700',
  paragraph: 'margin:0 0 16px',
  link: `color:${COLORS.accent.light}`,
  button: `display:inline-block;padding:8px 16px;border-radius:8px;background:${COLORS.accent.light};color:${COLORS.onAccent.light};font-weight:600;text-decoration:none`,
  quiet: `margin:0 0 8px;font-size:13px;color:${COLORS.quiet.light}`,
  rule: `border:0;border-top:1px solid ${COLORS.line.light};margin:24px 0 16px`,
} as const;

export type EmailStyle = keyof typeof EMAIL_STYLES;

/** Returns the class, which the dark scheme finds the element by, and the style of an element. */
export function emailStyle(name: EmailStyle): string {
  return `class="${name}" style="${EMAIL_STYLES[name]}"`;
}

/** What an element has in the dark scheme; attributes would win without `!important`. */
const DARK_STYLES: Readonly<Partial<Record<EmailStyle, string>>> = {
  body: `background:${COLORS.ground.dark} !important;color:${COLORS.ink.dark} !important`,
  card: `background:${COLORS.surface.dark} !important;border-color:${COLORS.line.dark} !important`,
  link: `color:${COLORS.accent.dark} !important`,
  button: `background:${COLORS.accent.dark} !important;color:${COLORS.onAccent.dark} !important`,
  quiet: `color:${COLORS.quiet.dark} !important`,
  rule: `border-top-color:${COLORS.line.dark} !important`,
};

const DARK_RULES = Object.entries(DARK_STYLES)
  .map(([name, declarations]) => `.${name}{${declarations}}`)
  .join('');

/** Says that both schemes are there, so that no client turns the light one dark by itself. */
export const EMAIL_SCHEMES = [
  '<meta name="color-scheme" content="light dark">',
  '<meta name="supported-color-schemes" content="light dark">',
  `<style>:root{color-scheme:light dark}@media (prefers-color-scheme:dark){${DARK_RULES}}</style>`,
].join('');

const centred = (width: number, height: number, rest: string) =>
  `width:${width}px;height:${height}px;margin:0 auto;${rest}`;

/** The shapes of the mark: a coin over a box with a slot. It has no text. */
export const EMAIL_MARK = [
  `<div aria-hidden="true" style="width:32px;height:32px;border-radius:8px;background:${field}">`,
  '<div style="height:5px"></div>',
  `<div style="${centred(11, 8, `border-radius:6px 6px 0 0;background:${coin}`)}"></div>`,
  `<div style="${centred(20, 14, `border-radius:0 0 2px 2px;background:${box}`)}">`,
  '<div style="height:4px"></div>',
  `<div style="${centred(11, 3, `border-radius:2px;background:${field}`)}"></div>`,
  '</div></div>',
].join('');
