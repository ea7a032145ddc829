/**
 * The few scripts pages load by name, each a plain file of its own because the content security policy
 * allows nothing inline. A page must be of use without them; each screen's script lies beside the screen.
 */
import { COPY_KEY_SCRIPT } from './keys/copy-key.script.ts';
import { playground } from './playground/playground.script.ts';
import { COPY_CODES_SCRIPT } from './security/copy-codes.script.ts';
import { PASSKEY_SCRIPT } from './security/passkey.script.ts';
import { LOOK_AGAIN_SCRIPT } from './top-up/look-again.script.ts';

export const SCRIPTS: Readonly<Record<string, string>> = {
  playground,
  passkey: PASSKEY_SCRIPT,
  'copy-codes': COPY_CODES_SCRIPT,
  'copy-key': COPY_KEY_SCRIPT,
  'look-again': LOOK_AGAIN_SCRIPT,
};
