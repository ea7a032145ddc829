/**
 * `npm run canary`: proves once, on the deployment, that a prompt is not stored; a scheduler runs it
 * each day. `API_URL`, `CANARY_KEY` (a key with a small balance) and `DATABASE_URL` are environment
 * variables. Ends with 1 if the marker was found, and with 2 if the run could not be made.
 */
import { runCanary } from './canary-run.ts';

function readVariable(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set`);
  return value;
}

try {
  const settings = {
    apiUrl: new URL(readVariable('API_URL')).origin,
    apiKey: readVariable('CANARY_KEY'),
    databaseUrl: readVariable('DATABASE_URL'),
    arrivalMs: 60_000,
  };
  const marker = `canary-${crypto.randomUUID()}`;
  const { answered, unanswered, found } = await runCanary(settings, marker, Date.now);
  console.log(`answered: ${answered.join(', ')}`);
  if (unanswered.length > 0) console.log(`not asked or failed: ${unanswered.join(', ')}`);
  console.log(
    found.length === 0 ? 'not found in any table or answer' : `FOUND in: ${found.join(', ')}`,
  );
  process.exitCode = found.length === 0 ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : 'the run failed');
  process.exitCode = 2;
}
