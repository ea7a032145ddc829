/**
 * Writes the list of sanctioned senders: `npm run update-sanctions -- DATE FILE…`. Each file lists
 * TRON or Ethereum addresses separated by whitespace. OFAC publishes its own in the SDN list
 * (sanctionslist.ofac.treas.gov, "Digital Currency Address"). A wrong checksum stops the command.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAddress } from './addresses.ts';

const SANCTIONS_FILE = join(import.meta.dirname, 'sanctioned-senders.generated.json');

function parseAddressFile(path: string): readonly string[] {
  const texts = readFileSync(path, 'utf8').split(/\s+/);
  return texts
    .filter((text) => text !== '')
    .map((text) => {
      const address = parseAddress(text.startsWith('T') ? 'tron' : 'evm', text);
      if (address === null) throw new Error(`"${text}" is not an address`);
      return address;
    });
}

const [date = '', ...files] = process.argv.slice(2);
if (!/^\d{4}-\d{2}-\d{2}$/.test(date) || files.length === 0) {
  throw new Error('Usage: npm run update-sanctions -- 2026-11-24 FILE…');
}
const addresses = [...new Set(files.flatMap(parseAddressFile))].sort();
writeFileSync(SANCTIONS_FILE, `${JSON.stringify({ asOf: date, addresses }, null, 1)}\n`);
process.stdout.write(`${addresses.length} addresses\n`);
