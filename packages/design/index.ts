/** The front of the design package: what console, operators and the public site share. */

export { toFraction } from './chart-layout.ts';
export {
  BudgetBar,
  type ChartColumn,
  SERIES_COLORS,
  type SeriesColor,
  Sparkline,
  StackedChart,
  Swatch,
} from './charts.tsx';
export {
  Badge,
  type BadgeKind,
  Balance,
  Card,
  type CodeTab,
  CodeTabs,
  CopyButton,
  EmptyState,
  Field,
  Money,
  Note,
  type Segment,
  Segments,
  SelectField,
  type SelectOption,
  SlashedName,
  Tile,
  Tiles,
  Time,
  Toast,
} from './components.tsx';
export { COPY_SCRIPT } from './copy.script.ts';
export { csrfProtection } from './csrf.ts';
export {
  formatBalance,
  formatClock,
  formatCount,
  formatCurrency,
  formatDay,
  formatMillionths,
  formatMonth,
  formatPercent,
  formatRoundedCurrency,
  formatSeconds,
  formatShortDay,
  formatTenth,
  formatTime,
  formatTokenAmount,
  formatTokenUnits,
  parseIsoDay,
  toEpochDay,
  toIsoDay,
} from './format.ts';
export { type Form, formBodyLimit, readForm, reportBodyLimit } from './forms.ts';
export { Brand, Frame, Icon, type IconName, type MenuGroup, type MenuItem } from './frame.tsx';
export { HtmlDocument, htmlResponse } from './html-document.tsx';
export { contentSecurityPolicy, SECURITY_HEADERS, secureTransport } from './secure-transport.ts';
export { ICON, STYLE } from './stylesheet.ts';
