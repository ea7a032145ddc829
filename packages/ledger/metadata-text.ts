/**
 * A call's metadata as the account object stores it: one text for what the hold says and one for
 * the report, because the object writes them for each call and reads them only to ship them or to
 * show a bill. A property that a text of an earlier release does not name reads as null where
 * call-columns.ts allows that.
 */
import {
  NOT_REPORTED,
  openingFromJson,
  openingToJson,
  type ReportedMetadata,
  reportFromJson,
  reportToJson,
} from './call-columns.ts';
import type { CallOpening, CallReport } from './contract/index.ts';

export function openingToText(opening: CallOpening): string {
  return JSON.stringify(openingToJson(opening));
}

/** Throws `MalformedValueError` for a text that no release wrote. */
export function openingFromText(text: string): CallOpening {
  return openingFromJson(JSON.parse(text));
}

export function reportToText(report: CallReport): string {
  return JSON.stringify(reportToJson(report));
}

/** Whether two texts hold the same report, also where an earlier release wrote one of them. */
export function isSameReport(stored: string, text: string): boolean {
  if (stored === text) return true;
  return reportToText(reportFromJson(JSON.parse(stored))) === text;
}

/** Reads the report of a call; null where none came. */
export function reportFromText(text: string | null): ReportedMetadata {
  if (text === null) return NOT_REPORTED;
  return reportFromJson(JSON.parse(text));
}
