/**
 * The stylesheet of all pages, for the narrowest screen first. It has every token and component of
 * the design system (the page /design of a local console shows them). Pages carry no inline style:
 * the content security policy allows none.
 *
 * Contrast, as WCAG 2.2 computes it, in both schemes: text on its ground at least 4.5:1, borders of
 * fields and series of charts at least 3:1 (1.4.3, 1.4.11).
 */
import { COLORS, MARK_COLORS, toLightDark } from './colors.ts';

const TOKENS = `
:root { color-scheme: light dark;
  --ground: ${toLightDark(COLORS.ground)}; --surface: ${toLightDark(COLORS.surface)}; --raised: light-dark(#eef1f5, #1f262f);
  --ink: ${toLightDark(COLORS.ink)}; --quiet: ${toLightDark(COLORS.quiet)}; --line: ${toLightDark(COLORS.line)}; --edge: light-dark(#7c8798, #76839a);
  --accent: ${toLightDark(COLORS.accent)}; --on-accent: ${toLightDark(COLORS.onAccent)}; --accent-soft: light-dark(#e8eefc, #1c2a4a);
  --good: light-dark(#12703a, #6fd499); --good-soft: light-dark(#e2f4e8, #12301f);
  --warn: light-dark(#8a5200, #f0bd63); --warn-soft: light-dark(#fdf0d8, #33260c);
  --bad: light-dark(#b3261e, #ff9d94); --bad-soft: light-dark(#fce8e6, #3d1a18);
  --series-1: light-dark(#1f4fd1, #7ea6ff); --series-2: light-dark(#d9730d, #f2a65a); --series-3: light-dark(#0f8a7e, #3fc7b8);
  --series-4: light-dark(#8a3ffc, #c2a0ff); --series-5: light-dark(#c4286e, #f587b3); --series-6: light-dark(#6b7787, #8f9bad);
  --radius: 0.5rem; --radius-card: 0.75rem; --small: 0.8125rem; --bar: 3.5rem;
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
`;

const GROUND = `
*, ::before, ::after { box-sizing: border-box; } [hidden] { display: none !important; }
html { scroll-padding-block: 4.5rem 1rem; }
body { font: 0.9375rem/1.6 system-ui, "Segoe UI", "Noto Sans", "PingFang SC", "Noto Sans SC", sans-serif; margin: 0; background: var(--ground); color: var(--ink); font-variant-numeric: tabular-nums; overflow-wrap: break-word; }
h1, h2, h3, p, dl, dd, ul, ol, figure, fieldset, pre { margin: 0; }
h1, h2 { text-wrap: balance; } h1 { font-size: 1.375rem; line-height: 1.25; letter-spacing: -0.01em; } h2 { font-size: 1.0625rem; line-height: 1.3; } h3 { font-size: 1em; }
ul, ol { padding-inline-start: 1.25rem; } li + li { margin-block-start: 0.25rem; }
a { color: var(--accent); text-underline-offset: 0.2em; text-decoration-thickness: 1px; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
small, .hint, .quiet-text { font-size: var(--small); color: var(--quiet); font-weight: 400; }
code, pre, .mono { font-family: var(--mono); font-size: 0.875em; } code { overflow-wrap: anywhere; }
pre { background: var(--raised); border-radius: var(--radius); padding: 0.75rem 1rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.skip { position: absolute; inset-inline-start: -100rem; } .skip:focus { inset: 0.5rem auto auto 0.5rem; background: var(--surface); padding: 0.5rem; z-index: 9; }
.hidden-text { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
svg.icon { width: 1.125rem; height: 1.125rem; flex: none; fill: none; stroke: currentColor; stroke-width: 1.75; stroke-linecap: round; stroke-linejoin: round; }
`;

const FRAME = `
.bar { display: flex; align-items: center; gap: 0.5rem; height: var(--bar); padding: 0 1rem; background: var(--surface); border-bottom: 1px solid var(--line); position: sticky; top: 0; z-index: 2; }
.brand { display: flex; align-items: center; gap: 0.5rem; font-weight: 700; font-size: 1.0625rem; color: inherit; text-decoration: none; margin-inline-end: auto; }
.brand svg { width: 1.75rem; height: 1.75rem; flex: none; }
.bar .balance { font-weight: 600; color: inherit; text-decoration: none; border: 1px solid var(--edge); border-radius: 99rem; padding: 0 0.75rem; min-height: 2.25rem; display: flex; align-items: center; gap: 0.35rem; white-space: nowrap; }
@media (max-width: 29.99rem) { .bar .button { display: none; } }
.menu { border: 0; margin: 0; inset: 0 auto 0 0; width: 17rem; max-width: 85vw; height: 100dvh; padding: 0.75rem; background: var(--surface); color: inherit; overflow-y: auto; }
.menu::backdrop { background: rgb(0 0 0 / 0.45); } .menu:popover-open { display: flex; flex-direction: column; gap: 0.25rem; }
.menu > .brand { margin: 0; padding: 0.25rem 0.5rem; min-height: 2.5rem; line-height: 1.2; }
.menu h2 { font-size: var(--small); font-weight: 600; color: var(--quiet); padding: 0.75rem 0.6rem 0.15rem; } .menu ul { list-style: none; padding: 0; } .menu li + li { margin: 0; }
.menu li a { display: flex; align-items: center; gap: 0.65rem; padding: 0.3rem 0.6rem; min-height: 2.125rem; border-radius: var(--radius); color: inherit; text-decoration: none; }
.menu li a:hover { background: var(--raised); } .menu li a[aria-current] { background: var(--accent-soft); color: var(--accent); font-weight: 600; }
.menu li .badge { margin-inline-start: auto; }
.menu .balance { display: grid; gap: 0.4rem; margin: 0.25rem 0; padding: 0.75rem; border: 1px solid var(--line); border-radius: var(--radius-card); background: var(--ground); }
.menu .balance dt { font-size: var(--small); color: var(--quiet); } .menu .balance dd { font-size: 1.25rem; font-weight: 650; line-height: 1.2; }
.menu .balance .button { justify-content: center; padding-inline: 0.5rem; }
.menu .account { margin-top: auto; padding: 1rem 0.6rem 0.25rem; display: grid; gap: 0.5rem; font-size: var(--small); } .account > span { overflow-wrap: anywhere; color: var(--quiet); }
.account form, footer form { display: flex; gap: 0.25rem; flex-wrap: wrap; }
.account button, footer button { min-height: 1.875rem; padding: 0.1rem 0.45rem; font-size: var(--small); background: none; color: inherit; border-color: var(--edge); font-weight: 500; }
.account button:disabled, footer button:disabled { border-color: transparent; background: var(--raised); font-weight: 600; cursor: default; }
main { padding: 1.25rem 1rem 3rem; max-width: 78rem; min-width: 0; } main > * + *, .stack > * + * { margin-block-start: 1rem; } main > h2 { margin-block-start: 1.75rem; }
main:not(.wide) > :is(p, form, ul, ol, dl, pre, fieldset, .note) { max-width: 44rem; }
main > form:not(.card), main:not(.wide) > dl.pairs { background: var(--surface); border: 1px solid var(--line); border-radius: var(--radius-card); padding: 1rem; }
.card .head { min-height: 1.5rem; } .head { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: center; justify-content: space-between; min-height: 2.25rem; }
.actions { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; } p:has(> :is(button, .button) + a:not(.button)) { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: center; }
.public main, .public footer { margin-inline: auto; max-width: 64rem; } .public:has(main:not(.wide)) :is(main, footer) { max-width: 46rem; } .public .bar nav { display: flex; gap: 0.5rem; align-items: center; }
footer { padding: 1rem 1rem 2rem; } .public footer { border-top: 1px solid var(--line); }
@media (max-width: 63.99rem) { .menu > .brand { display: none; } }
@media (min-width: 64rem) {
  .app { display: grid; grid-template-columns: 15rem minmax(0, 1fr); } .app > .bar { display: none; }
  .app > .menu[popover] { display: flex; flex-direction: column; gap: 0.125rem; position: sticky; top: 0; width: auto; max-width: none; border-inline-end: 1px solid var(--line); }
  .app > main { padding: 1.5rem 2rem 4rem; } .app > :is(footer, .skip) { grid-column: 2; }
}
`;

const FORMS = `
button, .button { font: inherit; font-weight: 600; color: var(--on-accent); background: var(--accent); border: 1px solid var(--accent); border-radius: var(--radius); padding: 0.35rem 0.9rem; min-height: 2.25rem; cursor: pointer; display: inline-flex; gap: 0.4rem; align-items: center; text-decoration: none; }
.plain, .button.plain { background: var(--surface); color: var(--ink); border-color: var(--edge); font-weight: 500; }
button.danger { background: var(--bad); border-color: var(--bad); color: var(--surface); }
.field { display: grid; gap: 0.25rem; max-width: 32rem; align-content: start; } .card > .field:has(> textarea) { max-width: none; } .card > small.hint { display: block; } form > .field, form > fieldset, form > details, form > h2, form > p, form > table, fieldset > .field { margin-block-end: 1rem; } form:not(.filters) > :last-child { margin-block-end: 0; }
label, .label { font-size: var(--small); font-weight: 600; } label.choice { font-size: inherit; font-weight: 400; display: flex; gap: 0.5rem; align-items: center; min-height: 1.75rem; } label.choice + :is(p, details) { margin-block-start: 0.5rem; }
input:not([type=checkbox], [type=radio]), select, textarea { font: inherit; color: inherit; background: var(--surface); border: 1px solid var(--edge); border-radius: var(--radius); padding: 0.35rem 0.6rem; width: 100%; min-width: 0; min-height: 2.25rem; } input:not([type=checkbox], [type=radio]), select { height: 2.25rem; }
input[type=checkbox], input[type=radio] { width: 1.1rem; height: 1.1rem; accent-color: var(--accent); flex: none; align-self: center; margin: 0; } td > input { vertical-align: middle; }
::file-selector-button { font: inherit; font-size: var(--small); color: var(--ink); background: var(--raised); border: 1px solid var(--edge); border-radius: 0.3rem; padding: 0.05rem 0.6rem; margin-inline-end: 0.6rem; cursor: pointer; }
input[aria-invalid] { border-color: var(--bad); border-width: 2px; } .problem { color: var(--bad); } .field > .problem { font-size: var(--small); }
fieldset { border: 1px solid var(--line); border-radius: var(--radius); padding: 0.5rem 1rem 0.75rem; min-width: 0; } legend { font-weight: 600; padding-inline: 0.25rem; }
details > .field { margin-block-end: 1rem; } details > summary { cursor: pointer; font-weight: 500; min-height: 1.75rem; } details[open] > summary { margin-block-end: 0.5rem; }
.filters { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(9rem, 100%), 1fr)); gap: 0.75rem; align-items: end; } form.filters > * { margin: 0; max-width: none; }
.segments { display: flex; flex-wrap: wrap; gap: 0.25rem; }
.segments a { display: inline-flex; align-items: center; gap: 0.3rem; padding: 0.2rem 0.7rem; min-height: 1.875rem; border-radius: 99rem; border: 1px solid transparent; color: var(--quiet); text-decoration: none; font-size: var(--small); font-weight: 500; }
.segments a:hover { background: var(--raised); } .segments a[aria-current] { background: var(--surface); border-color: var(--edge); color: var(--ink); font-weight: 600; }
`;

const COMPONENTS = `
.card { background: var(--surface); border: 1px solid var(--line); border-radius: var(--radius-card); padding: 1rem; min-width: 0; } .card > * + * { margin-block-start: 0.75rem; }
.tiles { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0.75rem; }
.tile { background: var(--surface); border: 1px solid var(--line); border-radius: var(--radius-card); padding: 0.75rem 1rem; display: grid; gap: 0.1rem; align-content: start; }
.tile dt { color: var(--quiet); font-size: var(--small); font-weight: 500; } .tile .figure { font-size: 1.25rem; font-weight: 650; letter-spacing: -0.01em; display: flex; flex-wrap: wrap; gap: 0.25rem 0.5rem; justify-content: space-between; align-items: center; overflow-wrap: anywhere; }
.tile.main { grid-column: 1 / -1; } .tile.main .figure { font-size: 1.625rem; } @media (max-width: 39.99rem) { .tile:not(.main) .figure { font-size: 1.0625rem; } } .tile .button { font-size: 0.9375rem; letter-spacing: 0; }
.columns { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem; } .columns > * + * { margin: 0; }
.badge { display: inline-flex; align-items: center; word-break: keep-all; overflow-wrap: break-word; font-size: 0.75rem; font-weight: 600; line-height: 1.4; padding: 0.05rem 0.5rem; border-radius: 0.65rem; background: var(--raised); color: var(--quiet); }
.badge.good { background: var(--good-soft); color: var(--good); } .badge.warn { background: var(--warn-soft); color: var(--warn); } .badge.bad { background: var(--bad-soft); color: var(--bad); } .badge.info { background: var(--accent-soft); color: var(--accent); }
.note { border-radius: var(--radius); padding: 0.6rem 0.9rem; border-inline-start: 0.25rem solid var(--edge); background: var(--raised); }
.note.done { border-color: var(--good); background: var(--good-soft); } .note.problem { border-color: var(--bad); background: var(--bad-soft); color: inherit; } .note.warning { border-color: var(--warn); background: var(--warn-soft); } .note.info { border-color: var(--accent); background: var(--accent-soft); }
.note a { color: inherit; font-weight: 600; } .note > ul { padding-inline-start: 1rem; }
.toast { position: static; width: auto; max-width: none; margin-inline: 0; border: 0; color: inherit; border-inline-start: 0.25rem solid var(--good); background: var(--good-soft); border-radius: var(--radius); padding: 0.25rem 0.25rem 0.25rem 0.9rem; }
.toast[open] { display: flex; justify-content: space-between; align-items: center; gap: 0.75rem; } .toast button { background: none; border-color: transparent; color: var(--good); } .toast.warning { border-color: var(--warn); background: var(--warn-soft); }
.empty { text-align: center; padding: 2rem 1rem; color: var(--quiet); } .empty > * + * { margin-block-start: 0.75rem; } .empty pre { text-align: start; color: var(--ink); }
.secret, output.key { display: block; font-family: var(--mono); font-size: 0.875em; background: var(--raised); border-radius: var(--radius); padding: 0.75rem 1rem; overflow-wrap: anywhere; user-select: all; } .secret strong, output.key strong { color: var(--accent); }
.copyable { display: grid; gap: 0.5rem; justify-items: start; } .copyable > :first-child { width: 100%; }
.tabs { border: 0; padding: 0; } .tabs > div { display: flex; flex-wrap: wrap; gap: 0.25rem; margin-block-end: 0.5rem; }
.tabs label { display: flex; align-items: center; padding: 0.2rem 0.7rem; min-height: 1.875rem; border-radius: 99rem; border: 1px solid transparent; color: var(--quiet); cursor: pointer; font-weight: 500; }
.tabs input[type=radio] { position: absolute; opacity: 0; width: 1px; height: 1px; } .tabs label:has(:checked) { border-color: var(--edge); color: var(--ink); font-weight: 600; } .tabs label:has(:focus-visible) { outline: 3px solid var(--accent); }
.tabs > section { display: none; } .tabs:has(.tab-1:checked) .panel-1, .tabs:has(.tab-2:checked) .panel-2, .tabs:has(.tab-3:checked) .panel-3, .tabs:has(.tab-4:checked) .panel-4, .tabs:has(.tab-5:checked) .panel-5, .tabs:has(.tab-6:checked) .panel-6 { display: block; }
.steps { counter-reset: step; list-style: none; padding: 0; } .steps > li { counter-increment: step; display: grid; grid-template-columns: 1.75rem minmax(0, 1fr); gap: 0.15rem 0.75rem; } .steps > li + li { margin-block-start: 1rem; }
.steps > li::before { content: counter(step); grid-row: span 2; width: 1.75rem; height: 1.75rem; display: grid; place-items: center; border-radius: 50%; background: var(--raised); font-weight: 600; font-size: var(--small); } .steps > li > * { grid-column: 2; }
.steps > .done::before { content: "✓"; background: var(--good-soft); color: var(--good); } .steps > .current::before { background: var(--accent); color: var(--on-accent); }
.networks { display: grid; gap: 0.5rem; list-style: none; padding: 0; grid-template-columns: repeat(auto-fit, minmax(min(11rem, 100%), 1fr)); } .networks li + li { margin: 0; }
.networks :is(a, span.closed) { display: grid; padding: 0.65rem 0.9rem; border: 1px solid var(--edge); border-radius: var(--radius); color: inherit; text-decoration: none; height: 100%; align-content: start; } .networks .closed { border-style: dashed; }
.networks a[aria-current] { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); background: var(--accent-soft); }
.address { display: grid; gap: 1rem; } .address > * + * { margin: 0; } .qr { background: #fff; border-radius: var(--radius); padding: 0.5rem; width: 11rem; height: 11rem; }
dl.pairs { display: grid; gap: 0.35rem; } dl.pairs > div { display: flex; flex-wrap: wrap; gap: 0 1rem; justify-content: space-between; } dl.pairs dt { color: var(--quiet); } dl.pairs dd { overflow-wrap: anywhere; text-align: end; margin-inline-start: auto; } dl.pairs button { min-height: 1.75rem; padding: 0.1rem 0.6rem; font-size: var(--small); }
main:not(.wide) > dl.pairs > div { justify-content: start; } main:not(.wide) > dl.pairs dt { min-width: 12rem; } main:not(.wide) > dl.pairs dd { text-align: start; margin-inline-start: 0; }
dl.facts { background: var(--surface); border: 1px solid var(--line); border-radius: var(--radius-card); padding: 0.25rem 1rem; } dl.facts div { display: flex; flex-wrap: wrap; gap: 0 1rem; justify-content: space-between; padding-block: 0.4rem; } dl.facts div + div { border-top: 1px solid var(--line); } dl.facts dt { color: var(--quiet); font-size: var(--small); } dl.facts dd { font-weight: 600; overflow-wrap: anywhere; margin-inline-start: auto; text-align: end; }
@media (min-width: 40rem) { dl.facts { background: none; border: 0; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 0.75rem; } dl.facts div { display: block; background: var(--surface); border: 1px solid var(--line); border-radius: var(--radius-card); padding: 0.75rem 1rem; } dl.facts div + div { border-top: 1px solid var(--line); } dl.facts dd { font-size: 1rem; text-align: start; } }
ul.list { list-style: none; padding: 0; } ul.list > li { padding-block: 0.6rem; border-bottom: 1px solid var(--line); display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; align-items: center; justify-content: space-between; margin: 0; } ul.list > li:last-child { border-bottom: 0; padding-block-end: 0; } ul.list > li > :first-child { flex: 1 1 14rem; min-width: 0; }
.log:not(:empty) + .empty { display: none; } .log > h3 { margin-block-start: 0.75rem; } .message-text { white-space: pre-wrap; overflow-wrap: anywhere; } progress { width: 100%; max-width: 14rem; height: 0.5rem; accent-color: var(--accent); } td progress { display: block; margin-block: 0.3rem 0.1rem; }
@media (max-width: 39.99rem) { .tiles:not(:has(.main)) > :last-child:nth-child(odd) { grid-column: 1 / -1; } }
@media (min-width: 40rem) { .tiles { grid-template-columns: repeat(4, minmax(0, 1fr)); } .tiles:not(:has(.main)) { grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); } .address { grid-template-columns: auto minmax(0, 1fr); } }
@media (min-width: 64rem) { .tiles { grid-template-columns: repeat(6, minmax(0, 1fr)); } .tiles:has(.main) > .tile { grid-column: span 2; } .tile.main { grid-row: span 2; } .tiles:not(:has(.main)) { grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); } .columns { grid-template-columns: repeat(2, minmax(0, 1fr)); } .columns.uneven { grid-template-columns: minmax(0, 2fr) minmax(0, 1fr); } .public .columns.uneven { grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); } }
`;

/**
 * Columns leave a table by importance: `.from-desktop` first, then `.from-tablet`; what a phone has
 * to show of them stands in the first cell as `.phone-only`.
 */
const TABLES = `
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; } caption { text-align: start; color: var(--quiet); font-size: var(--small); padding-bottom: 0.25rem; }
th, td { text-align: start; padding: 0.5rem 0.75rem 0.5rem 0; border-bottom: 1px solid var(--line); vertical-align: baseline; font-weight: 400; } tfoot th, tfoot td { font-weight: 600; } .nowrap, .nowrap code { white-space: nowrap; }
thead th { font-size: var(--small); font-weight: 600; color: var(--quiet); padding-block: 0.25rem 0.4rem; } tbody:last-child > tr:last-child > * { border-bottom: 0; } th:last-child, td:last-child { padding-inline-end: 0; }
tbody tr:hover { background: color-mix(in srgb, var(--raised) 55%, transparent); } th.number, td.number { text-align: end; white-space: nowrap; } .scroll time { white-space: nowrap; }
.second { display: block; font-size: var(--small); color: var(--quiet); font-weight: 400; } td .row-link, th .row-link { font-weight: 550; color: inherit; text-decoration: none; overflow-wrap: anywhere; } .row-link:hover { text-decoration: underline; }
tr.day > th { padding-top: 1rem; font-size: var(--small); font-weight: 600; color: var(--quiet); } tr.day:hover { background: none; }
.from-tablet, .from-desktop { display: none; } tr:has(+ tr.phone-only) > *, tbody:last-child > tr:has(+ tr.phone-only:last-child) > * { border-bottom: 0; } td.number > .second, td.number.words { white-space: normal; } .pages { display: flex; gap: 0.75rem; flex-wrap: wrap; align-items: center; }
@media (min-width: 22rem) { tbody th[scope=row] { min-width: 5.5rem; } tbody th[scope=row]:has(.row-link) { min-width: 7rem; } } @media (max-width: 39.99rem) { th, td { padding-inline-end: 0.5rem; } } @media (max-width: 63.99rem) { .card.scroll table { width: max-content; min-width: 100%; } .card.scroll :is(th, td) { max-width: 14rem; } }
@media (min-width: 40rem) { :is(th, td).from-tablet { display: table-cell; } span.from-tablet { display: inline; } div.from-tablet { display: block; } .phone-only { display: none; } tr:has(+ tr.phone-only:not(:last-child)) > * { border-bottom: 1px solid var(--line); } }
@media (min-width: 64rem) { td time { white-space: nowrap; } :is(th, td).from-desktop { display: table-cell; } span.from-desktop { display: inline; } } @media (min-width: 80rem) { .number + :is(td, th):not(.number) { padding-inline-start: 1.25rem; } }
`;

/** Charts are bars that stretch with the page; their words are HTML beside them and never scale. */
/**
 * Aligns the rounded amounts of a table at their decimal point: one with fewer digits after it gets
 * the width of those that it lacks. Amounts of a dollar and more are longer than others and get it
 * on wide screens only.
 */
function alignDigits(): string {
  const counts = [2, 3, 4, 5, 6, 7];
  const pad = (most: number, selector: string, digits: number) =>
    `table:has(.digits-${most}) td.number ${selector} { padding-inline-end: ${most - digits}ch; }`;
  const fractions = counts.flatMap((most) =>
    counts
      .filter((digits) => digits < most)
      .map((digits) => pad(most, `.digits-${digits}`, digits)),
  );
  const whole = counts.slice(1).map((most) => pad(most, '.digits-whole', 2));
  return `${fractions.join(' ')} @media (min-width: 80rem) { ${whole.join(' ')} }\n`;
}

const CHARTS = `
.chart-grid { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0.25rem 0.6rem; } .chart-y { display: flex; flex-direction: column; justify-content: space-between; text-align: end; margin-block: -0.55rem; } .chart-x { grid-column: 2; display: flex; justify-content: space-between; } .chart-x, .chart-y { font-size: 0.75rem; color: var(--quiet); }
svg.chart { width: 100%; height: 11rem; display: block; overflow: visible; } svg.chart.low { height: 3.5rem; } svg.chart path { pointer-events: none; } svg.chart line { stroke: var(--line); vector-effect: non-scaling-stroke; } svg.chart .hit { fill: transparent; } svg.chart .hit:hover { fill: var(--raised); }
.today { fill-opacity: 0.55; } .series-1 { fill: var(--series-1); background: var(--series-1); } .series-2 { fill: var(--series-2); background: var(--series-2); } .series-3 { fill: var(--series-3); background: var(--series-3); }
.series-4 { fill: var(--series-4); background: var(--series-4); } .series-5 { fill: var(--series-5); background: var(--series-5); } .series-6 { fill: var(--series-6); background: var(--series-6); } .series-bad { fill: var(--bad); background: var(--bad); }
.swatch { display: inline-block; width: 0.7rem; height: 0.7rem; border-radius: 3px; margin-inline-end: 0.5rem; } .sparkline { width: 4.5rem; height: 1.25rem; fill: var(--series-1); flex: none; display: inline-block; vertical-align: middle; }
.budget-bar { width: 100%; max-width: 9rem; height: 0.4rem; border-radius: 99rem; display: block; background: var(--raised); fill: var(--series-1); overflow: hidden; margin-top: 0.3rem; border: 1px solid var(--edge); } .budget-bar.near { fill: var(--warn); } .budget-bar.used-up { fill: var(--bad); } td.number .budget-bar { margin-inline-start: auto; }
.budgets { display: grid; grid-template-columns: auto minmax(2rem, 1fr) auto; gap: 0.25rem 0.75rem; align-items: center; font-size: var(--small); color: var(--quiet); } .budgets > div { display: contents; } .budgets .budget-bar { margin: 0; max-width: none; } td > .from-tablet { margin-block-start: 0.4rem; }
`;

/**
 * A finger needs larger targets than a pointer: main actions are 44 px high, and fields have text of 16
 * px, below which iOS enlarges the page around a field that takes the focus.
 */
const TOUCH = `
@media (pointer: coarse), (max-width: 39.99rem) {
  button, .button, .bar .balance, .menu li a, textarea { min-height: 2.75rem; } input:not([type=checkbox], [type=radio]), select { height: 2.75rem; font-size: 1rem; } textarea { font-size: 1rem; }
  .segments a, .tabs label, .account button, footer button, dl.pairs button { min-height: 2.25rem; } details > summary, label.choice { min-height: 2rem; }
}
`;

const MEDIA = `
@media (forced-colors: active) { .badge, .note, .toast, .budget-bar { border: 1px solid; } .swatch, svg.chart, .sparkline { forced-color-adjust: none; } }
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
@media print { .bar, .menu, .actions, .filters, .segments, .pages, footer, .toast, .screen-only { display: none !important; } :root { color-scheme: only light; } .app { display: block; } .card { border: 0; padding: 0; } details::details-content { content-visibility: visible; } thead { display: table-header-group; } tr { break-inside: avoid; } .from-tablet, .from-desktop { display: table-cell; } .phone-only { display: none; } }
`;

export const STYLE = [
  TOKENS,
  GROUND,
  FRAME,
  FORMS,
  COMPONENTS,
  TABLES,
  alignDigits(),
  CHARTS,
  TOUCH,
  MEDIA,
].join('');

/** The mark: a coin over a box with a slot. The same shapes are inline in the frame. */
export const MARK_SHAPES = `<rect width="32" height="32" rx="8" fill="${MARK_COLORS.field}"/><circle cx="16" cy="10.5" r="5.5" fill="${MARK_COLORS.coin}"/><path d="M6 13.5h20V25a2 2 0 0 1-2 2H8a2 2 0 0 1-2-2z" fill="${MARK_COLORS.box}"/><rect x="10.5" y="17" width="11" height="2.5" rx="1.25" fill="${MARK_COLORS.field}"/>`;

export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${MARK_SHAPES}</svg>`;
