/** The site's own styles, after those of the design system in one file. */
import { STYLE } from '@farebox/design';

const SITE_STYLE = `
html { scroll-padding-top: 1rem; }
.site-header { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; align-items: center; margin: 0 auto; max-width: 72rem;
  padding: 0.75rem 1rem; border-bottom: 1px solid var(--line); }
.site-header .brand { margin: 0; font-size: 1.1rem; } .site-header .brand a { color: inherit; font-weight: 700; text-decoration: none; display: inline-flex; align-items: center; gap: 0.5rem; min-height: 2rem; }
.site-header .brand img { display: block; }
.site-header ul, .site-footer ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; list-style: none; margin: 0; padding: 0; }
.site-header nav a, .site-footer a { display: inline-block; padding: 0.3rem 0; }
/* Lists of links need no underline to be seen as such; one appears where the pointer or the focus is. */
.site-header a:not(.button), .site-footer a, .docs-menu a { text-decoration: none; } :is(.site-header, .site-footer, .docs-menu) a:is(:hover, :focus-visible):not(.button) { text-decoration: underline; }
:is(.site-header, .site-footer) a[aria-current] { color: inherit; font-weight: 600; }
.site-header .actions { margin: 0 0 0 auto; display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: center; }
.site-header .actions .button { padding: 0.3rem 0.8rem; min-height: 0; }
.site-main { margin: 0 auto; max-width: 72rem; padding: 1.5rem 1rem 3rem; }
.site-main > h1, .article > h1 { font-size: clamp(1.6rem, 1.2rem + 2vw, 2.3rem); line-height: 1.15; margin: 0 0 1rem; text-wrap: balance; overflow-wrap: anywhere; }
.article { min-width: 0; } .article > :is(p, ul, ol, dl, h1, h2, h3, blockquote) { max-width: 46rem; }
.site-header li, .site-footer li, .docs-menu li { margin: 0; }
.article > :is(p, ul, ol, dl, pre, blockquote), [data-status] > :is(p, ul) { margin-block: 0 1rem; }
.article > h2, [data-status] > h2 { margin-block: 2.25rem 0.6rem; } .article > h3 { margin-block: 1.5rem 0.5rem; }
.article li { margin-block: 0.25rem; } .article :is(th, td) { min-width: 6rem; }
/* A shadow at the edge behind which a table goes on; it scrolls away with the table's end. */
.article .scroll { margin-block: 1rem; background: linear-gradient(to right, var(--ground) 30%, transparent) 0 0 / 2.5rem 100% no-repeat local,
  linear-gradient(to left, var(--ground) 30%, transparent) 100% 0 / 2.5rem 100% no-repeat local,
  linear-gradient(to right, color-mix(in srgb, var(--ink) 22%, transparent), transparent) 0 0 / 0.75rem 100% no-repeat scroll,
  linear-gradient(to left, color-mix(in srgb, var(--ink) 22%, transparent), transparent) 100% 0 / 0.75rem 100% no-repeat scroll; } .article pre { overflow-x: auto; white-space: pre; overflow-wrap: normal; } .article pre code { font-size: inherit; }
.article img { max-width: 100%; height: auto; } .article h2 :is(a), .article a { overflow-wrap: anywhere; }
.article .meta { color: var(--quiet); font-size: 0.9rem; border-top: 1px solid var(--line); margin-top: 3rem; padding-top: 0.75rem; max-width: none; }
.with-menu { display: grid; gap: 1.5rem 3rem; }
.docs-menu h2 { font-size: 0.9rem; color: var(--quiet); margin: 1rem 0 0.25rem; }
.docs-menu ul { display: block; list-style: none; margin: 0; padding: 0; } .docs-menu li a { display: block; padding: 0.25rem 0; overflow-wrap: anywhere; }
.docs-menu a[aria-current] { color: inherit; font-weight: 600; }
.docs-menu summary { padding: 0.5rem 0; cursor: pointer; font-weight: 600; }
@media (min-width: 60rem) { .with-menu { grid-template-columns: 15rem minmax(0, 1fr); }
@supports selector(::details-content) { .docs-menu { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow-y: auto; padding-block: 0.5rem; } .docs-menu details::details-content { content-visibility: visible; block-size: auto; } .docs-menu summary { display: none; } } }
.article > p:has(+ .call) { font-size: 1.2rem; color: var(--quiet); margin-block-end: 1.25rem; }
.points { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1rem; padding: 0; list-style: none; max-width: none !important; }
.points li { background: var(--raised); border-radius: 0.5rem; padding: 1rem 1.25rem; margin: 0; }
.points strong { display: block; margin-bottom: 0.25rem; font-size: 1.05rem; }
.article > .call { margin-block: 0 2rem; display: flex; flex-wrap: wrap; gap: 0.75rem; }
.button.quiet { background: none; color: var(--accent); }
.site-footer { margin: 0 auto; max-width: 72rem; padding: 1.25rem 1rem 2.5rem; border-top: 1px solid var(--line); display: grid; gap: 0.75rem; }
.site-footer .source { margin: 0; color: var(--quiet); overflow-wrap: anywhere; }
.site-footer button { font: inherit; background: none; border: 0; color: var(--accent); text-decoration: underline; padding: 0.3rem 0; min-height: 0; font-weight: 400; }
/* Columns take their widths from every row, so a table is shown once it has arrived: something follows it, or the footer is there. */
.site-main:not(:has(+ .site-footer)) :is(.scroll, table.bars):not(:has(+ *)) { visibility: hidden; }
.filters { display: grid; grid-template-columns: minmax(0, 20rem) minmax(0, 12rem); gap: 1rem; margin-bottom: 1rem; } .filters label { display: block; }
/* What a script shows has its place before. */
.filters[hidden] { display: grid !important; visibility: hidden; } @media (scripting: none) { .filters[hidden] { display: none !important; } }
.models :is(th, td):first-child { min-width: 11rem; } .models .number { min-width: 4rem; } .models .number small { white-space: normal; }
.models thead th { height: 2.25rem; } .models th button { background: none; color: inherit; border: 0; padding: 0; min-height: 1.5rem; font: inherit; font-weight: 600; text-align: inherit; }
.models th[aria-sort=ascending] button::after { content: ' ↑'; } .models th[aria-sort=descending] button::after { content: ' ↓'; }
.models td small { display: block; } .models td code { overflow-wrap: anywhere; }
.search { position: relative; max-width: 46rem; margin-bottom: 1.5rem; } .search ol { padding-inline-start: 1.25rem; } .search mark { background: var(--raised); color: inherit; font-weight: 600; }
.consent { position: fixed; inset: auto 0 0 0; background: var(--raised); border-top: 1px solid var(--line); padding: 0.9rem 1rem; z-index: 2; }
.consent p { margin: 0 auto 0.6rem; max-width: 60rem; } .consent div { display: flex; flex-wrap: wrap; gap: 0.75rem; margin: 0 auto; max-width: 60rem; }
.consent button { background: var(--ground); color: var(--ink); border: 1px solid var(--quiet); font-weight: 600; }
.state.up { color: var(--good); } .state.down { color: var(--bad); font-weight: 600; } .state.unknown { color: var(--quiet); }
.schema { font-family: ui-monospace, monospace; }
.article details > summary { cursor: pointer; padding: 0.35rem 0; } .article details > pre { margin-top: 0.25rem; }
.promises > details { border-bottom: 1px solid var(--line); } .promises summary .count { color: var(--quiet); font-size: 0.9rem; } .promises li > code { display: block; overflow-wrap: anywhere; color: var(--quiet); font-size: 0.85rem; }
.article table.bars { max-width: 46rem; margin-block: 0 1.5rem; } .bars caption { font-weight: 600; color: inherit; font-size: 1rem; } .bars :is(th, td) { min-width: 0; padding-block: 0.2rem; border: 0; } .bars th { width: 12rem; } .bars td.number { width: 5rem; }
.bars svg { display: block; width: 100%; height: 0.85rem; fill: var(--quiet); } .bars tr.own svg { fill: var(--accent); } .bars tr.own :is(th, td) { font-weight: 600; }
.figure { font-size: 1.15rem; } .terms dt { font-weight: 600; margin-top: 0.6rem; } .terms dd { margin: 0; }
[data-status] .scroll time { white-space: normal; }
@media (max-width: 37.5rem) {
.site-header .actions { order: 1; } .site-header nav { order: 2; flex-basis: 100%; } .site-header nav ul { gap: 0 0.85rem; font-size: 0.95rem; } .article pre { white-space: pre-wrap; overflow-wrap: anywhere; }
.article table.bill, .bill :is(tbody, tr, td) { display: block; } .bill thead { display: none; } .bill tr { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0 1rem; border-bottom: 1px solid var(--line); padding-block: 0.5rem; }
.article .bill td { border: 0; padding: 0; min-width: 0; } .bill td:last-child { grid-area: 1 / 2; } .bill td:not(:first-child, :last-child) { grid-row: 2; color: var(--quiet); font-size: 0.875rem; text-align: start; } .bill td:empty { display: none; }
.bill td:not(:first-child, :last-child)::before { content: attr(data-label) ": "; } .bill tr:last-child { border: 0; font-weight: 600; }
.article table.stacked, .stacked :is(caption, tbody, tr, th, td) { display: block; } .article table.stacked > thead { display: none; } .stacked tr { border-bottom: 1px solid var(--line); padding-block: 0.6rem; } .stacked tr:last-child { border-bottom: 0; } .stacked tr > td:first-child { font-weight: 600; }
.article .stacked :is(th, td) { border: 0; padding: 0.1rem 0; min-width: 0; text-align: start; white-space: normal; overflow-wrap: anywhere; } .stacked td[data-label]:not(:first-child, :empty, [data-label=""])::before { content: attr(data-label) ": "; color: var(--quiet); font-family: system-ui, sans-serif; }
.article table.models > thead { display: block; } .models > thead tr { display: flex; flex-wrap: wrap; gap: 0 1rem; border: 0; padding: 0; } .models > thead th { padding: 0; height: auto; min-height: 2rem; } .models > thead tr::before { content: attr(data-sort); color: var(--quiet); font-size: 0.85rem; align-self: center; } @media (scripting: none) { .article table.models > thead { display: none; } }
.models tbody tr { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 0.35rem 0.75rem; align-items: end; } .models tbody tr[hidden] { display: none; } .models tbody td:first-child { grid-column: 1 / -1; min-width: 0; }
.article .models tbody td[data-label]:not(:first-child)::before { content: attr(data-label); display: block; font-size: 0.8rem; } .models tbody td.number small { display: inline; }
.bars th { width: 9rem; } .bars td.number { width: 4rem; }
}
`;

export const SITE_STYLESHEET = STYLE + SITE_STYLE;
