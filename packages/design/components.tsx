/** Components of more than one page. Text is always a JSX child, which hono/jsx escapes. */
import type { NanoUsd } from '@farebox/money';
import type { Child, FC, PropsWithChildren } from 'hono/jsx';
import {
  formatBalance,
  formatCurrency,
  formatRoundedCurrency,
  formatTime,
  toDigitsClass,
} from './format.ts';

/** A form field with its label, hint and error, linked for screen readers. */
export const Field: FC<
  Readonly<{
    name: string;
    /** Of the element, where several forms of a page have a field of this name. */
    id?: string;
    label: string;
    type?: 'text' | 'email' | 'password' | 'number' | 'date' | 'datetime-local';
    value?: string;
    hint?: string;
    problem?: string | undefined;
    autocomplete?: string;
    required?: boolean;
    inputmode?: 'numeric' | 'decimal' | 'text';
    minlength?: number;
    maxlength?: number;
    placeholder?: string;
    spellcheck?: boolean;
  }>
> = ({ name, id = name, label, hint, problem, type = 'text', ...rest }) => {
  const describedBy = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean);
  return (
    <p class="field">
      <label for={id}>{label}</label>
      {hint !== undefined && (
        <small id={`${id}-hint`} class="hint">
          {hint}
        </small>
      )}
      {problem !== undefined && (
        <strong id={`${id}-problem`} class="problem">
          {problem}
        </strong>
      )}
      <input
        id={id}
        name={name}
        type={type}
        aria-describedby={describedBy.length > 0 ? describedBy.join(' ') : undefined}
        aria-invalid={problem === undefined ? undefined : 'true'}
        {...rest}
      />
    </p>
  );
};

export type SelectOption = Readonly<{ value: string; text: string; selected: boolean }>;

/** A choice of one option, with its label. `allLabel` adds an empty option in front. */
export const SelectField: FC<
  Readonly<{ name: string; label: string; allLabel?: string; options: readonly SelectOption[] }>
> = ({ name, label, allLabel, options }) => (
  <p class="field">
    <label for={name}>{label}</label>
    <select id={name} name={name}>
      {allLabel !== undefined && <option value="">{allLabel}</option>}
      {options.map(({ value, text, selected }) => (
        <option value={value} selected={selected}>
          {text}
        </option>
      ))}
    </select>
  </p>
);

/** A one-sentence message: the result of the last action, or a problem. */
export const Note: FC<PropsWithChildren<{ kind: 'done' | 'problem' | 'warning' | 'info' }>> = (
  props,
) => (
  <p
    class={`note ${props.kind}`}
    role={props.kind === 'done' || props.kind === 'info' ? 'status' : 'alert'}
  >
    {props.children}
  </p>
);

/**
 * The result of the last action, which its own form closes: no script and no request. It stands in
 * the flow of the page and covers nothing (WCAG 2.2, 2.4.11).
 */
export const Toast: FC<Readonly<{ text: string; closeLabel: string; warning?: boolean }>> = ({
  text,
  closeLabel,
  warning = false,
}) => (
  <dialog open class={warning ? 'toast warning' : 'toast'} aria-label={text}>
    <p role="status">{text}</p>
    <form method="dialog">
      <button type="submit">{closeLabel}</button>
    </form>
  </dialog>
);

type AmountProps = Readonly<{
  amount: NanoUsd;
  exact: string;
  shown: string;
  digits?: string | undefined;
}>;

const Amount: FC<AmountProps> = ({ amount, exact, shown, digits }) => (
  <data value={amount.toString()} title={shown === exact ? undefined : exact} class={digits}>
    {shown}
  </data>
);

/**
 * An amount in USD. Rounded amounts (lists and tiles) carry the exact one in `value` (nano-USD) and
 * in the title; bills, statements and exports show every digit.
 */
export const Money: FC<Readonly<{ amount: NanoUsd; language: string; rounded?: boolean }>> = ({
  amount,
  language,
  rounded = false,
}) => {
  const exact = formatCurrency(amount, language);
  const shown = rounded ? formatRoundedCurrency(amount, language) : exact;
  const digits = rounded ? toDigitsClass(amount, shown) : undefined;
  return <Amount amount={amount} exact={exact} shown={shown} digits={digits} />;
};

/** An available balance, rounded down. */
export const Balance: FC<Readonly<{ amount: NanoUsd; language: string }>> = (props) => {
  const { amount, language } = props;
  const exact = formatCurrency(amount, language);
  return <Amount amount={amount} exact={exact} shown={formatBalance(amount, language)} />;
};

/** A moment in UTC, with seconds. */
export const Time: FC<{ at: number; language: string }> = ({ at, language }) => (
  <time datetime={new Date(at).toISOString()}>{formatTime(at, language)}</time>
);

/** A name such as `provider/model`, which breaks after its slashes before it breaks within a word. */
export const SlashedName: FC<{ name: string }> = ({ name }) => (
  <>
    {name.split('/').map((part, index) => (
      <>
        {index > 0 && (
          <>
            /<wbr />
          </>
        )}
        {part}
      </>
    ))}
  </>
);

export type BadgeKind = 'neutral' | 'good' | 'warn' | 'bad' | 'info';

/** A state in one or two words; its color only repeats the words. */
export const Badge: FC<PropsWithChildren<{ kind?: BadgeKind }>> = ({
  kind = 'neutral',
  children,
}) => <span class={kind === 'neutral' ? 'badge' : `badge ${kind}`}>{children}</span>;

/** A figure with its name; inside `Tiles`. `main` is the one that matters most. */
export const Tile: FC<
  PropsWithChildren<Readonly<{ name: string; figure: Child; main?: boolean }>>
> = ({ name, figure, main = false, children }) => (
  <div class={main ? 'tile main' : 'tile'}>
    <dt>{name}</dt>
    <dd class="figure">{figure}</dd>
    {children !== undefined && <dd class="quiet-text">{children}</dd>}
  </div>
);

export const Tiles: FC<PropsWithChildren> = ({ children }) => <dl class="tiles">{children}</dl>;

/** A part of a page with its heading; `actions` stand beside the heading. */
export const Card: FC<
  PropsWithChildren<Readonly<{ id: string; title: Child; actions?: Child }>>
> = (props) => (
  <section class="card" aria-labelledby={props.id}>
    <div class="head">
      <h2 id={props.id}>{props.title}</h2>
      {props.actions !== undefined && <div class="actions">{props.actions}</div>}
    </div>
    {props.children}
  </section>
);

/** What stands where there is nothing yet: one sentence and what to do next. */
export const EmptyState: FC<PropsWithChildren<Readonly<{ text: string }>>> = ({
  text,
  children,
}) => (
  <div class="empty">
    <p>{text}</p>
    {children}
  </div>
);

export type Segment = Readonly<{ href: string; text: Child; current: boolean }>;

/** Links of which one is current: presets of a period, states with their counts, groupings. */
export const Segments: FC<Readonly<{ label: string; segments: readonly Segment[] }>> = ({
  label,
  segments,
}) => (
  <nav class="segments" aria-label={label}>
    {segments.map(({ href, text, current }) => (
      <a href={href} aria-current={current ? 'true' : undefined}>
        {text}
      </a>
    ))}
  </nav>
);

/**
 * A button that copies the text of the element with the id `source`. The script `copy` shows it;
 * `copied` is announced once it is done.
 */
export const CopyButton: FC<
  Readonly<{ source: string; label: string; copied: string; plain?: boolean }>
> = ({ source, label, copied, plain = false }) => (
  <span>
    <button type="button" class={plain ? 'plain' : undefined} data-copy={source} hidden>
      {label}
    </button>{' '}
    <span role="status" data-text={copied}></span>
  </span>
);

export type CodeTab = Readonly<{ label: string; code: string }>;

/**
 * The same task for several clients, at most six. Radio buttons switch between them, so the arrow
 * keys work and no script is needed.
 */
export const CodeTabs: FC<
  Readonly<{
    name: string;
    legend: string;
    tabs: readonly CodeTab[];
    copy: Readonly<{ label: string; copied: string }>;
  }>
> = ({ name, legend, tabs, copy }) => (
  <fieldset class="tabs">
    <legend class="hidden-text">{legend}</legend>
    <div>
      {tabs.map(({ label }, index) => (
        <label>
          <input class={`tab-${index + 1}`} type="radio" name={name} checked={index === 0} />
          {label}
        </label>
      ))}
    </div>
    {tabs.map(({ label, code }, index) => (
      <section class={`panel-${index + 1}`} aria-label={label}>
        <div class="copyable">
          <pre id={`${name}-${index + 1}`}>{code}</pre>
          <CopyButton source={`${name}-${index + 1}`} {...copy} plain />
        </div>
      </section>
    ))}
  </fieldset>
);
