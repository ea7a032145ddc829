/** The front of the design package: what the server-rendered Workers (console, operators) share. */

export { Field, Money, Note, Time } from './components.tsx';
export { csrfProtection } from './csrf.ts';
export {
  formatCount,
  formatCurrency,
  formatDay,
  formatMillionths,
  formatRoundedCurrency,
  formatShortDay,
  formatTenth,
  formatTime,
  formatTokenUnits,
  parseIsoDay,
  toEpochDay,
  toIsoDay,
} from './format.ts';
export { type Form, formBodyLimit, readForm, reportBodyLimit } from './forms.ts';
export { HtmlDocument, htmlResponse } from './html-document.tsx';
export { contentSecurityPolicy, SECURITY_HEADERS, secureTransport } from './secure-transport.ts';
export { ICON, STYLE } from './stylesheet.ts';
