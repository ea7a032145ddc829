/** The page of an error code. */
export function toErrorPath(code: string): string {
  return `/docs/errors/${code}`;
}
