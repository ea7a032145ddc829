declare module 'solc' {
  /** Standard JSON in, standard JSON out (docs.soliditylang.org, using-the-compiler). */
  const solc: { compile(input: string): string };
  export default solc;
}
