/**
 * Secrets that the local stack generates once and keeps in `.farebox/`, readable by their owner
 * only. They are valid for this stack only.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Replaces the file atomically. */
export function writePrivate(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporaryPath = `${path}.${process.pid}`;
  writeFileSync(temporaryPath, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  chmodSync(temporaryPath, 0o600);
  renameSync(temporaryPath, path);
}

/** Returns the text fields of a JSON file. Null when the file is missing or invalid. */
export function readPrivate(path: string): Readonly<Record<string, string>> | null {
  if (!existsSync(path)) return null;
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value !== 'object' || value === null) return null;
    const textFields = Object.entries(value).filter((field) => typeof field[1] === 'string');
    return Object.fromEntries(textFields);
  } catch {
    return null;
  }
}

/** Creates the secret on the first call. */
function getOrCreateSecret(stateDir: string, name: string, make: () => string): string {
  const path = join(stateDir, 'secrets.json');
  const all = readPrivate(path) ?? {};
  const known = all[name];
  if (known !== undefined) return known;
  const made = make();
  writePrivate(path, { ...all, [name]: made });
  return made;
}

/** `1:<64 hexadecimal characters>` */
export function keyMacSecrets(stateDir: string): string {
  return getOrCreateSecret(stateDir, 'keyMacSecrets', () => `1:${randomBytes(32).toString('hex')}`);
}

/** `1:<64 hexadecimal characters>` */
export function statementSecrets(stateDir: string): string {
  const make = () => `1:${randomBytes(32).toString('hex')}`;
  return getOrCreateSecret(stateDir, 'statementSecrets', make);
}

/** The seed of the local deposit addresses: 64 hexadecimal characters. */
export function depositSeed(stateDir: string): string {
  return getOrCreateSecret(stateDir, 'depositSeed', () => randomBytes(32).toString('hex'));
}

/** 64 hexadecimal characters. */
export function consoleSecret(stateDir: string): string {
  return getOrCreateSecret(stateDir, 'consoleSecret', () => randomBytes(32).toString('hex'));
}
