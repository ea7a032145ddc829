export {
  type AcceptRequest,
  type AcceptResult,
  acceptCatalogProposal,
  type CatalogChanges,
  type CatalogProposal,
  findCatalogProposal,
  insertCatalogProposal,
  listOpenCatalogProposals,
  type NewCatalogProposal,
  rejectCatalogProposal,
} from './catalog-proposals.ts';
export {
  type CatalogMarginRow,
  type CatalogModelRow,
  type CatalogModelStatus,
  type CatalogModelVersion,
  type CatalogRows,
  type CatalogVersion,
  listCatalogVersions,
  listModelVersions,
  type RefusedVersions,
  readCatalog,
  readCatalogOfVersion,
  readLatestCatalogVersion,
  readTopUpMargin,
  readValidCatalog,
} from './catalog-versions.ts';
export {
  findCatalogRelease,
  findParityReport,
  listCallsOfDay,
  listParityReports,
  type ParityReport,
  type ProviderCosts,
  saveCatalogRelease,
  saveParityReport,
} from './parity-reports.ts';
export {
  acknowledgePrices,
  type CheckedDifference,
  checkAcknowledgements,
} from './price-acknowledgements.ts';
