export {
  beginDeletion,
  eraseOwner,
  findEmailRecipient,
  listUnfinishedDeletions,
  markWiped,
} from './account-deletion.ts';
export {
  type EmailConsent,
  listConsents,
  setConsents,
  withdrawConsentByLink,
} from './consents.ts';
export { findCallAccount, findTablesWithText } from './content-search.ts';
export { deleteExpiredRows } from './expired-rows.ts';
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
export { insertReceipt, listReceipts, type Receipt } from './receipts.ts';
