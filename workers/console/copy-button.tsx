/** A button that copies the text of another element. The script `copy` shows it. */
import type { FC } from 'hono/jsx';

/** `source` is the id of the element to copy; `copied` is announced once it is done. */
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
