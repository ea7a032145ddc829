/**
 * The pages of docs/clients: what a reader copies from them is what a test runs. A page says where a
 * file belongs (``In `~/path`:``), has one block for the shell that ends with the agent's command, or
 * programs in JavaScript or Python.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type AgentName,
  type AgentRun,
  createAgentFolders,
  installAgent,
  runAgent,
} from './installed-agent.ts';

const GUIDES = join(import.meta.dirname, '../../docs/clients');
/** The gateway's address and the key, as the pages write them. */
const ADDRESS = 'http://127.0.0.1:8787';
const KEY = 'fbx_...';

export type Guide = Readonly<{
  /** The files in the home folder, by their paths in it. */
  files: Readonly<Record<string, string>>;
  /** The blocks for a shell, in order. */
  commands: readonly string[];
  /** The programs in JavaScript, in order. */
  programs: readonly string[];
  /** The programs in Python, in order. */
  pythonPrograms: readonly string[];
}>;

export type Access = Readonly<{ gatewayUrl: string; apiKey: string }>;

export function listGuides(): string[] {
  return readdirSync(GUIDES).filter((name) => name.endsWith('.md'));
}

/** Reads a page, with this address and key where it has its own. */
export function readGuide(name: string, { gatewayUrl, apiKey }: Access): Guide {
  const page = readFileSync(join(GUIDES, name), 'utf8');
  const text = page.replaceAll(ADDRESS, gatewayUrl).replaceAll(KEY, apiKey);
  const blocks = [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)];
  const listBlocks = (language: string) =>
    blocks.filter(([, name]) => name === language).map(([, , content = '']) => content);
  const files = [...text.matchAll(/^In `~\/([^`]+)`:\n\n```\w+\n(.*?)^```$/gms)];
  return {
    files: Object.fromEntries(files.map(([, path = '', content = '']) => [path, content])),
    commands: listBlocks('sh'),
    programs: listBlocks('js'),
    pythonPrograms: listBlocks('python'),
  };
}

/** What the agents are asked for, how their tools' results show it, and the answer. */
export const NOTE = {
  file: 'notes.txt',
  text: 'The word is marzipan.',
  result: /The word is (\w+)/,
  toAnswer: (word: string) => `It says ${word}.`,
  answer: 'It says marzipan.',
} as const;

/** Runs the commands of an agent's page beside a file with the note. */
export async function followGuide(
  agent: AgentName,
  { files, commands }: Guide,
  env: Readonly<Record<string, string>>,
  timeoutMs: number,
): Promise<AgentRun> {
  const binFolder = await installAgent(agent);
  const folders = createAgentFolders(files);
  writeFileSync(join(folders.work, NOTE.file), NOTE.text);
  try {
    return await runAgent(commands.join('\n'), binFolder, folders, env, timeoutMs);
  } finally {
    folders.remove();
  }
}
