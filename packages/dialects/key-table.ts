/**
 * The keys of an event's JSON that the meter reacts to, in a table that rules most out by length.
 */

/**
 * The role of a key's value: text to count, hidden tokens to add, or a reason to parse the event.
 */
export type KeyRole =
  | 'text'
  | 'tool_call_name'
  | 'tool_arguments'
  /** The arguments of a tool call as an object. */
  | 'tool_input'
  /** Text, or parts; in a result of the provider's own tools it is no output of the model. */
  | 'content'
  /** Its members repeat what is counted elsewhere. */
  | 'opaque'
  /** An object to parse the event for; its members have no role. */
  | 'significant_opaque'
  | 'thinking_signature'
  | 'citation'
  | 'significant_value'
  /** An object at the top that counts everything so far, which need not be parsed at once. */
  | 'running_usage'
  /** A significant value that may be taken out of an event. */
  | 'usage'
  | 'event_type';

/** The known keys by their length in bytes. */
export type KeyTable = readonly (readonly Readonly<{ name: Uint8Array; role: KeyRole }>[])[];

const MAX_KEY_LENGTH = 23;

export function buildKeyTable(keys: Readonly<Record<string, KeyRole>>): KeyTable {
  const encoder = new TextEncoder();
  const table: { name: Uint8Array; role: KeyRole }[][] = Array.from(
    { length: MAX_KEY_LENGTH + 1 },
    () => [],
  );
  for (const [name, role] of Object.entries(keys))
    table[name.length]?.push({ name: encoder.encode(name), role });
  return table;
}
