/** A table with the same content as HTML and as Markdown. Cells are plain text or links. */
import type { FC } from 'hono/jsx';
import type { Rendered } from './page.ts';

export type Cell = string | Readonly<{ text: string; href?: string; isCode?: boolean }>;

export type ContentTable = Readonly<{
  head: readonly string[];
  rows: readonly (readonly Cell[])[];
  /** The indexes of columns with numbers, which are set to the end of the line. */
  numbers?: readonly number[];
  /**
   * How a phone shows it without cutting a column off: `stacked`, each row a block of labelled lines;
   * `bill`, the first and the last cell on a line and what is between them below. It scrolls without.
   */
  phoneLayout?: 'stacked' | 'bill';
}>;

const CellText: FC<{ cell: Cell }> = ({ cell }) => {
  if (typeof cell === 'string') return <>{cell}</>;
  const text = cell.isCode === true ? <code>{cell.text}</code> : <>{cell.text}</>;
  return cell.href === undefined ? text : <a href={cell.href}>{text}</a>;
};

const Table: FC<{ table: ContentTable }> = ({
  table: { head, rows, numbers = [], phoneLayout },
}) => {
  const classFor = (index: number) => (numbers.includes(index) ? 'number' : undefined);
  return (
    <div class="scroll" tabindex={0}>
      <table class={phoneLayout}>
        <thead>
          <tr>
            {head.map((text, index) => (
              <th scope="col" class={classFor(index)}>
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr>
              {row.map((cell, index) => (
                <td
                  class={classFor(index)}
                  data-label={phoneLayout === undefined ? undefined : head[index]}
                >
                  <CellText cell={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
};

function toMarkdownCell(cell: Cell): string {
  const { text, href, isCode }: Exclude<Cell, string> =
    typeof cell === 'string' ? { text: cell } : cell;
  const escaped = text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  const shown = isCode === true ? `\`${escaped}\`` : escaped;
  return href === undefined ? shown : `[${shown}](${href})`;
}

export function renderTable(table: ContentTable): Rendered {
  const { head, rows } = table;
  const lines = [head, head.map(() => '---'), ...rows.map((row) => row.map(toMarkdownCell))];
  return {
    html: String(<Table table={table} />),
    markdown: lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n'),
  };
}
