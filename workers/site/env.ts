/** The bindings of the site's Worker. */
export type Env = Readonly<{
  /** The files that the generator wrote, with the headers of its `_headers` file. */
  ASSETS: Pick<Fetcher, 'fetch'>;
}>;
