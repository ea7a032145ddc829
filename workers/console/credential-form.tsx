/**
 * The form for an email address, a password or both, as signing up, signing in and recovery use it.
 */
import { Field } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import type { FC } from 'hono/jsx';
import { ChallengeNote, ChallengeSubmit, type FormChallenge } from './challenge/challenge.tsx';

/** The `autocomplete` values tell password managers which credential a field takes. */
const INPUTS = {
  username: { name: 'email', type: 'email', autocomplete: 'username' },
  newEmail: { name: 'email', type: 'email', autocomplete: 'email' },
  password: { name: 'password', type: 'password', autocomplete: 'current-password' },
  currentPassword: { name: 'current', type: 'password', autocomplete: 'current-password' },
  newPassword: { name: 'password', type: 'password', autocomplete: 'new-password' },
} as const;

type CredentialField = Readonly<{
  input: keyof typeof INPUTS;
  label: string;
  hint?: string;
  /** Only of email addresses: a typed password is never written into a page. */
  value?: string;
  problem?: string | undefined;
}>;

type CredentialFormProps = Readonly<{
  action: string;
  submit: string;
  fields: readonly CredentialField[];
  hidden?: Readonly<Record<string, string>>;
  /**
   * The account's address where the form has no field for it, so that password managers find the
   * entry.
   */
  username?: string;
  /** Where a challenge has to be solved first. */
  challenge?: Readonly<{ messages: Messages; formChallenge: FormChallenge }> | undefined;
}>;

export const CredentialForm: FC<CredentialFormProps> = (props) => {
  const { action, submit, fields, hidden = {}, username, challenge } = props;
  return (
    <form method="post" action={action} data-proof-of-work={challenge && ''}>
      {challenge !== undefined && <ChallengeNote messages={challenge.messages} />}
      {Object.entries(hidden).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      {username !== undefined && (
        <input type="email" autocomplete="username" value={username} hidden readonly />
      )}
      {fields.map(({ input, ...field }) => (
        <Field {...INPUTS[input]} {...field} required />
      ))}
      {challenge === undefined ? (
        <p>
          <button type="submit">{submit}</button>
        </p>
      ) : (
        <ChallengeSubmit {...challenge} submit={submit} />
      )}
    </form>
  );
};
