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
  dismissNotification,
  listOpenNotifications,
  type OpenNotification,
} from './notice-board.ts';
export { type NotificationRecipient, recordNotification } from './notices.ts';
