/**
 * Names of fields as Google's parser of JSON reads them: each field of a message has two, in
 * lowerCamelCase and as the message's definition writes it (protobuf.dev, "ProtoJSON format").
 */

const SNAKE_CASE = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)+$/;

/** Returns the name in lowerCamelCase of a field that is written in either way. */
export function toProtoName(name: string): string {
  if (!SNAKE_CASE.test(name)) return name;
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
