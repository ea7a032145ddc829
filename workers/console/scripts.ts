/**
 * The few scripts pages load by name, each a plain file of its own because the content security policy
 * allows nothing inline. A page must be of use without them; each screen's script lies beside the screen.
 */
import { playground } from './playground/playground.script.ts';

export const SCRIPTS: Readonly<Record<string, string>> = { playground };
