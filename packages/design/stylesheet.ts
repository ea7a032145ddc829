/**
 * The stylesheet of all pages: mostly classless, mobile first, dark or light by the browser's
 * setting.
 */
export const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.55 system-ui, sans-serif;
  --ground: light-dark(#ffffff, #14171c); --raised: light-dark(#f3f5f8, #1d2229); --ink: light-dark(#16202c, #e8ecf1);
  --quiet: light-dark(#4d5a69, #a7b3c1); --line: light-dark(#c9d1da, #3a4450); --accent: light-dark(#0a58a8, #7db8f5);
  --on-accent: light-dark(#ffffff, #0c1a29); --bad: light-dark(#a3201a, #ff9c94); --good: light-dark(#1b6b36, #7fd79a);
  --warn: light-dark(#7a4a00, #f2c26b); }
*, ::before, ::after { box-sizing: border-box; } [hidden] { display: none !important; }
body { margin: 0; background: var(--ground); color: var(--ink); }
a { color: var(--accent); text-underline-offset: 0.15em; }
a, button, input, select, summary, textarea { outline-offset: 2px; }
:focus-visible { outline: 3px solid var(--accent); }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 0.5rem; top: 0.5rem; background: var(--ground); padding: 0.5rem; z-index: 1; }
header, footer, main { margin: 0 auto; max-width: 64rem; padding: 0 1rem; }
header { display: flex; flex-wrap: wrap; gap: 0.5rem 1.5rem; align-items: baseline; padding-block: 0.75rem; border-bottom: 1px solid var(--line); }
header p, header form { margin: 0; }
.brand a { font-weight: 700; color: inherit; text-decoration: none; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; list-style: none; margin: 0; padding: 0; }
nav a { display: inline-block; padding: 0.25rem 0; }
nav a[aria-current] { color: inherit; font-weight: 600; text-decoration-thickness: 0.15em; }
.who { margin-inline-start: auto; overflow-wrap: anywhere; }
main { padding-block: 1.5rem 3rem; }
main:not(.wide) > :is(p, form, section, ul, ol, dl) { max-width: 44rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 1rem; }
h2 { font-size: 1.25rem; margin: 2rem 0 0.5rem; }
h3 { font-size: 1.05rem; margin: 1.5rem 0 0.5rem; }
small, .hint { color: var(--quiet); font-size: 0.9rem; }
.field { display: grid; gap: 0.25rem; margin: 0 0 1rem; }
label { font-weight: 600; }
label.choice { font-weight: 400; display: flex; gap: 0.5rem; align-items: baseline; }
input:not([type=checkbox], [type=radio]), select, textarea { font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--quiet);
  border-radius: 0.35rem; padding: 0.5rem 0.6rem; width: 100%; max-width: 32rem; }
input[aria-invalid] { border-color: var(--bad); border-width: 2px; }
fieldset { border: 1px solid var(--line); border-radius: 0.35rem; margin: 0 0 1rem; padding: 0.5rem 1rem; }
.problem { color: var(--bad); }
button, .button { font: inherit; font-weight: 600; color: var(--on-accent); background: var(--accent); border: 1px solid var(--accent); border-radius: 0.35rem;
  padding: 0.5rem 1rem; min-height: 2.5rem; cursor: pointer; display: inline-block; text-decoration: none; }
button.plain, header button, footer button { background: none; color: var(--accent); border-color: var(--line); font-weight: 400; padding: 0.2rem 0.6rem; min-height: 2rem; }
button.danger { background: var(--bad); border-color: var(--bad); color: var(--ground); }
footer button:disabled { color: var(--ink); border-color: transparent; cursor: default; }
.note { border-inline-start: 0.3rem solid var(--quiet); background: var(--raised); padding: 0.6rem 0.9rem; }
.note.done { border-color: var(--good); } .note.problem { border-color: var(--bad); color: inherit; } .note.warning { border-color: var(--warn); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: start; padding: 0.4rem 0.75rem 0.4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th.number, td.number { text-align: end; }
caption { text-align: start; color: var(--quiet); padding-bottom: 0.25rem; }
dl.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(12.5rem, 1fr)); gap: 1rem; margin: 0 0 1.5rem; }
dl.facts div { background: var(--raised); border-radius: 0.5rem; padding: 0.75rem 1rem; }
dl.facts dt { color: var(--quiet); } dl.facts dd { margin: 0; font-size: 1.2rem; font-weight: 600; overflow-wrap: anywhere; }
code, pre, output.key { font: 0.925em ui-monospace, monospace; overflow-wrap: anywhere; }
pre, output.key { display: block; background: var(--raised); padding: 0.75rem 1rem; border-radius: 0.35rem; white-space: pre-wrap; }
output.key { user-select: all; }
footer { border-top: 1px solid var(--line); padding-block: 1rem 2rem; }
footer form { display: flex; gap: 0.25rem; flex-wrap: wrap; }
svg.chart { width: 100%; height: auto; } svg.chart rect:not(.partial) { fill: var(--accent); } svg.chart text { fill: var(--quiet); font-size: 11px; } svg.chart line { stroke: var(--line); }
svg.chart { display: block; } svg.chart.few { max-width: 40rem; } svg.chart.many { min-width: 40rem; max-width: 60rem; } svg.chart.names { max-width: 40rem; }
svg.chart rect.partial { stroke: var(--accent); stroke-width: 1.5; } svg.chart .hatch { stroke: var(--accent); stroke-width: 2; fill: none; }
form.filter { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: 0 1rem; align-items: end; }
dl.facts dd.word { font-size: 1rem; font-weight: 400; } .scroll time, td.number { white-space: nowrap; }
dl.pairs { display: grid; gap: 0.25rem; margin: 0; } dl.pairs div { display: flex; flex-wrap: wrap; gap: 0 1rem; } dl.pairs dt { min-width: 12rem; color: var(--quiet); } dl.pairs dd { margin: 0; overflow-wrap: anywhere; }
ul.notifications { list-style: none; padding: 0; } ul.notifications li { border-inline-start: 0.3rem solid var(--warn); background: var(--raised); padding: 0.6rem 0.9rem; margin-bottom: 0.5rem; } ul.notifications p { margin: 0 0 0.4rem; }
ul.keys { list-style: none; padding: 0; } ul.keys > li { border-block-end: 1px solid var(--line); padding-block: 0.25rem 1rem; overflow-wrap: anywhere; } ul.keys h2 { margin-top: 0.75rem; }
.pages { display: flex; gap: 1rem; } .message-text { white-space: pre-wrap; overflow-wrap: anywhere; }
@media (max-width: 40rem) { header { gap: 0.25rem 1rem; } .who { margin-inline-start: 0; } }
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
`;

export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0a58a8"/><path d="M9 8h14v4H13v4h8v4h-8v6H9z" fill="#fff"/></svg>`;
