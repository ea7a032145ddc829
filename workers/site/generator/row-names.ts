/** The names of the benchmark's rows and goals in plain words of the reader's language. */
import type { Language } from '@farebox/i18n';
import { siteMessagesFor } from '../texts/index.ts';

/** Returns undefined for a part of a name that has no words yet. */
function describePart(part: string, language: Language): string | undefined {
  const { rows: t } = siteMessagesFor(language).benchmark;
  const [, size] = /^body of (\d+) KB$/.exec(part) ?? [];
  if (size !== undefined) return t.body(size);
  const [, concurrent] = /^(\d+) concurrent$/.exec(part) ?? [];
  if (concurrent !== undefined) return concurrent === '1' ? t.oneAtATime : t.atOnce(concurrent);
  const [, accounts] = /^(\d+) accounts$/.exec(part) ?? [];
  if (accounts !== undefined) return t.accounts(accounts);
  const words: Readonly<Record<string, string>> = t.words;
  return words[part];
}

/** `json, 64 concurrent, one account` in words; an unknown part stays as it is. */
export function describeRow(name: string, language: Language): string {
  return name
    .split(', ')
    .map((part) => describePart(part, language) ?? part)
    .join(', ');
}

/** The parts of a row's name that have no words in a language. */
export function findUnknownParts(name: string, language: Language): string[] {
  return name.split(', ').filter((part) => describePart(part, language) === undefined);
}

/** A goal in words; an unknown one stays as it is. */
export function describeGoal(goal: string, language: Language): string {
  const goals: Readonly<Record<string, string>> = siteMessagesFor(language).benchmark.goals;
  return goals[goal] ?? goal;
}
