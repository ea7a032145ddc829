export {
  type CorrectedAccount,
  closeToldCorrections,
  listCorrectedAccounts,
  markOwnersTold,
} from './correction-notices.ts';
export {
  deleteOldEmails,
  type EmailDelivery,
  type EmailEvent,
  type EmailState,
  findEmailToSend,
  findSuppression,
  insertEmails,
  listEmailDeliveries,
  markEmailNotSent,
  markEmailSent,
  type NewEmail,
  recordEmailEvent,
  type Suppression,
} from './emails.ts';
export {
  type AnnouncementRecipient,
  type LegalVersionKey,
  listAnnouncementRecipients,
  recordAnnouncementProgress,
} from './legal-announcements.ts';
export {
  dismissNotification,
  listOpenNotifications,
  type NotificationRecipient,
  type OpenNotification,
  recordNotification,
} from './notifications.ts';
