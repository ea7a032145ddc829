/**
 * Detects a body that was sent to the wrong endpoint, and names the right one. It decides only
 * where the field can mean nothing else: a body that the provider would accept must not be
 * rejected.
 */
import type { RequestAnalysis } from './analysis.ts';
import type { Marker } from './dialect-spec.ts';
import type { JsonKind } from './json-scanner.ts';

/** Checks the top-level fields of a body once all of them are known. */
export function detectWrongEndpoint(
  markers: Readonly<Record<string, Marker>>,
  fields: ReadonlyMap<string, JsonKind>,
  analysis: RequestAnalysis,
): void {
  for (const [field, marker] of Object.entries(markers)) {
    const kind = fields.get(field);
    if (kind === undefined || !marker.kinds.includes(kind)) continue;
    if (marker.unlessPresent !== null && fields.has(marker.unlessPresent)) continue;
    analysis.rejectWrongEndpoint(field, marker.correctEndpoint);
  }
}
