/**
 * The few scripts pages load by name, each a plain file of its own because the content security policy
 * allows nothing inline. A page must be of use without them; each screen's script lies beside the screen.
 */
import { COPY_KEY_SCRIPT } from './keys/copy-key.script.ts';
import { PLAYGROUND_SCRIPT } from './playground/playground.script.ts';
import { COPY_CODES_SCRIPT } from './security/copy-codes.script.ts';
import { PASSKEY_SCRIPT } from './security/passkey.script.ts';
import { AUTO_REFRESH_SCRIPT } from './top-up/auto-refresh.script.ts';

export const SCRIPTS: Readonly<Record<string, string>> = {
  playground: PLAYGROUND_SCRIPT,
  passkey: PASSKEY_SCRIPT,
  'copy-codes': COPY_CODES_SCRIPT,
  'copy-key': COPY_KEY_SCRIPT,
  'auto-refresh': AUTO_REFRESH_SCRIPT,
};
