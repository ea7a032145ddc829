export {
  beginDeletion,
  findEmailRecipient,
  listUnfinishedDeletions,
  markWiped,
} from './account-deletion.ts';
export { withdrawConsentByLink } from './consents.ts';
export { deleteExpiredRows, eraseOwner } from './erasure.ts';
export {
  type DataSubject,
  EXPORTED_TABLES,
  type ExportedRow,
  type ExportedTable,
  exportRows,
  getExportedColumns,
  NOT_EXPORTED,
  parseExportedTable,
} from './export.ts';
export { type EmailConsent, listConsents, setConsent } from './mail-choices.ts';
export { insertReceipt, listReceipts, type Receipt } from './receipts.ts';
