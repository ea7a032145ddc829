/** Whom to write to: the address our letters come from, whose answers somebody reads. */
import type { Texts } from '@farebox/languages';
import type { FC } from 'hono/jsx';
import type { House } from '../env.ts';

export const Contact: FC<{ house: House; texts: Texts }> = ({ house, texts }) => (
  <p>
    {texts.rights.contact}{' '}
    {house.contact === null ? (
      texts.rights.contactAnswer
    ) : (
      <a href={`mailto:${house.contact}`}>{house.contact}</a>
    )}
  </p>
);
