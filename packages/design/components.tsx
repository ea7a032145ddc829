/** Components of more than one page. Text is always a JSX child, which hono/jsx escapes. */
import { formatUsd, type NanoUsd } from '@farebox/money';
import type { FC, PropsWithChildren } from 'hono/jsx';
import { formatTime } from './format.ts';

/** A form field with its label, hint and error, linked for screen readers. */
export const Field: FC<
  Readonly<{
    name: string;
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
  }>
> = ({ name, label, hint, problem, type = 'text', ...rest }) => {
  const describedBy = [hint && `${name}-hint`, problem && `${name}-problem`].filter(Boolean);
  return (
    <p class="field">
      <label for={name}>{label}</label>
      {hint !== undefined && (
        <small id={`${name}-hint`} class="hint">
          {hint}
        </small>
      )}
      {problem !== undefined && (
        <strong id={`${name}-problem`} class="problem">
          {problem}
        </strong>
      )}
      <input
        id={name}
        name={name}
        type={type}
        aria-describedby={describedBy.length > 0 ? describedBy.join(' ') : undefined}
        aria-invalid={problem === undefined ? undefined : 'true'}
        {...rest}
      />
    </p>
  );
};

/** A one-sentence message: the result of the last action, or a problem. */
export const Note: FC<PropsWithChildren<{ kind: 'done' | 'problem' | 'warning' }>> = (props) => (
  <p class={`note ${props.kind}`} role={props.kind === 'done' ? 'status' : 'alert'}>
    {props.children}
  </p>
);

/** An exact amount in USD. */
export const Money: FC<{ amount: NanoUsd }> = ({ amount }) => (
  <data value={amount.toString()} class="money">{`$${formatUsd(amount)}`}</data>
);

export const Time: FC<{ at: number; language: string }> = ({ at, language }) => (
  <time datetime={new Date(at).toISOString()}>{formatTime(at, language)}</time>
);
