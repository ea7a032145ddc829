/**
 * Paths as clients form them from a base URL. SDKs differ in what they append to it (OpenAI's the
 * path after `/v1`, Anthropic's with it), so a base URL that is right for one is wrong for another.
 * Clients read a 404 as an unknown model (Claude Code does), so a path that can only mean one
 * endpoint is served there.
 */
import { OPERATION_SPECS, OPERATIONS } from '@farebox/dialects';

const PREFIX = '/v1';

/** The endpoints of conversations, of the models and of the account, without the prefix. */
const ENDPOINT =
  /^\/(chat\/completions|messages(\/count_tokens)?|responses(\/(compact|input_tokens))?|models(\/.+)?|estimate|credits|key|generation\/[^/]+)$/;

/** The same of operations. */
const OPERATION_PATHS: readonly string[] = OPERATIONS.map((operation) =>
  OPERATION_SPECS[operation].path.slice(PREFIX.length),
);

/** What stands in front of an endpoint in the base URLs of other services. */
const OTHER_PREFIX = /^\/(?:api|openai|anthropic|gemini|google)(?=\/)/;

/** Google's API has versions of its own, which clients and base URLs may both name. */
const GOOGLE_PATH = /^(?:\/(?:v1beta|v1))*(?=\/(?:v1beta\/|v1\/models\/.+:))/;

/**
 * Returns the path that a request means: repeated and trailing slashes are dropped, a repeated
 * `/v1` counts once, a missing one is added, and the prefixes of other services are left out.
 */
export function canonicalPath(path: string): string {
  if (isCanonical(path)) return path;
  const plain = path.replaceAll(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '');
  const withoutOther = plain.replace(OTHER_PREFIX, '');
  if (GOOGLE_PATH.test(withoutOther)) return withoutOther.replace(GOOGLE_PATH, '');
  const endpoint = withoutOther.replace(/^(?:\/v1(?=\/))+/, '');
  const isEndpoint = ENDPOINT.test(endpoint) || OPERATION_PATHS.includes(endpoint);
  return isEndpoint ? PREFIX + endpoint : plain;
}

/** Most paths are as documented: this decides without a regular expression. */
function isCanonical(path: string): boolean {
  const hasPrefix = path.startsWith('/v1/') && !path.startsWith('/v1/v1');
  return hasPrefix && !path.endsWith('/') && !path.includes('//');
}

/** The endpoints by the end of a path, the longest first. */
const ENDINGS = [
  '/messages/count_tokens',
  '/chat/completions',
  '/responses/input_tokens',
  '/responses/compact',
  '/responses',
  '/messages',
  '/estimate',
  '/models',
  ...OPERATION_PATHS,
];

/**
 * Returns the endpoint that a path under an unknown prefix ends like, as
 * `/openai/deployments/x/chat/completions` does (Azure), or undefined.
 */
export function findIntendedEndpoint(path: string): string | undefined {
  const ending = ENDINGS.find((candidate) => path.endsWith(candidate));
  return ending === undefined ? undefined : PREFIX + ending;
}
