/**
 * The scripts that pages load by name. Each is served as a file, because the content security
 * policy allows no inline script. Pages have to work without them. A screen's script is in the
 * folder of the screen.
 */

import { COPY_SCRIPT } from '@farebox/design';
import { PROOF_OF_WORK_SCRIPT } from './challenge/proof-of-work.script.ts';
import { PLAYGROUND_SCRIPT } from './playground/playground.script.ts';
import { PASSKEY_SCRIPT } from './security/passkey.script.ts';
import { AUTO_REFRESH_SCRIPT } from './top-up/auto-refresh.script.ts';
import { VERIFY_SCRIPT } from './verify/verify.script.ts';

export const SCRIPTS: Readonly<Record<string, string>> = {
  playground: PLAYGROUND_SCRIPT,
  passkey: PASSKEY_SCRIPT,
  copy: COPY_SCRIPT,
  'proof-of-work': PROOF_OF_WORK_SCRIPT,
  'auto-refresh': AUTO_REFRESH_SCRIPT,
  'verify-statement': VERIFY_SCRIPT,
};
