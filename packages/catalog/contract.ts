/**
 * What the ledger Worker offers of the catalog in Postgres (entrypoint `Catalog`, read-only), and
 * what the gateway and the console read. It crosses Workers RPC between deployments of different
 * ages: add fields, never change or remove one.
 */

/** A model as a version has it; `definition` is a `ListedModel` where `status` is `defined`. */
export type OverlayModel = Readonly<{
  version: number;
  /** Milliseconds since the epoch. */
  effectiveAt: number;
  provider: string;
  id: string;
  status: string;
  definition: unknown;
}>;

/** `scope` is `top_ups`, `all`, a provider, or `provider/model`. */
export type OverlayMargin = Readonly<{
  version: number;
  effectiveAt: number;
  scope: string;
  basisPoints: number;
}>;

/**
 * What differs from the price list of the release: what is in effect, and what takes effect later.
 * Of two rows about the same thing the one with the later effect holds, then the higher version.
 */
export type CatalogOverlay = Readonly<{
  /** The highest version in Postgres, to be asked with next time. */
  latestVersion: number;
  /** The version in effect and the later ones, in the order of their effect. */
  versions: readonly Readonly<{ version: number; effectiveAt: number }>[];
  models: readonly OverlayModel[];
  margins: readonly OverlayMargin[];
}>;

export type CatalogRead =
  | Readonly<{ changed: false }>
  | Readonly<{ changed: true; overlay: CatalogOverlay }>;

/** The RPC interface of the entrypoint `Catalog`. */
export interface CatalogRpc {
  /** `knownVersion` is the `latestVersion` of the last answer; null asks for the overlay. */
  read(knownVersion: number | null): Promise<CatalogRead>;
}
