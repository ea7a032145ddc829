/** What a row is called in logs, tables and charts. */
import type { Row } from './rounds.ts';

/** Bodies below this size are not named, in bytes. */
const SMALL_BODY_BYTES = 4096;

const PACE_NAMES: Readonly<Record<Row['pace'], string>> = {
  unpaced: 'unpaced',
  paced: 'paced',
  json: 'json',
  frames: '64 frames at 20 ms',
};

const DIALECT_NAMES = { messages: 'Messages', responses: 'Responses', gemini: 'Gemini' } as const;

function getParts({ pace, dialect, usage, bodyBytes }: Row): string[] {
  const isStream = pace !== 'json';
  return [
    PACE_NAMES[pace],
    ...(dialect === 'chat' ? [] : [DIALECT_NAMES[dialect]]),
    ...(dialect === 'chat' && isStream && usage ? ['usage asked for'] : []),
    ...(bodyBytes >= SMALL_BODY_BYTES ? [`body of ${Math.round(bodyBytes / 1024)} KB`] : []),
  ];
}

export function rowName(row: Row): string {
  const accounts = row.accounts === 1 ? 'one account' : `${row.accounts} accounts`;
  return [...getParts(row), `${row.connections} concurrent`, accounts].join(', ');
}
