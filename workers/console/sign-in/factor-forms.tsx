/** The forms for a second factor, for signing in and for reauthentication. */
import { Field, Note } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import type { FactorResponse } from '@farebox/identity';
import type { FC } from 'hono/jsx';

export type FactorKind = FactorResponse['kind'];
type FactorFormProps = Readonly<{
  messages: Messages;
  action: string;
  next: string;
  /** The factor that was just rejected. */
  wrong: FactorKind | undefined;
}>;

const HiddenFields: FC<{ kind: FactorKind; next: string }> = ({ kind, next }) => (
  <>
    <input type="hidden" name="kind" value={kind} />
    <input type="hidden" name="next" value={next} />
  </>
);

export const TotpForm: FC<FactorFormProps> = ({ messages: { signIn }, action, next, wrong }) => (
  <form method="post" action={action}>
    <HiddenFields kind="totp" next={next} />
    <Field
      name="code"
      label={signIn.code}
      hint={signIn.codeHint}
      problem={wrong === 'totp' ? signIn.codeWrong : undefined}
      autocomplete="one-time-code"
      inputmode="numeric"
      required
    />
    <p>
      <button type="submit">{signIn.codeSubmit}</button>
    </p>
  </form>
);

/** Requests a challenge; the next page passes it to the browser. */
export const PasskeyForm: FC<FactorFormProps> = ({ messages: { signIn }, action, next, wrong }) => (
  <form method="post" action={`${action}/passkey`}>
    {wrong === 'passkey' && <Note kind="problem">{signIn.passkeyWrong}</Note>}
    <input type="hidden" name="next" value={next} />
    <p>
      <button type="submit">{signIn.passkey}</button>
    </p>
  </form>
);

export const RecoveryForm: FC<FactorFormProps> = ({
  messages: { signIn },
  action,
  next,
  wrong,
}) => (
  <details open={wrong === 'recovery_code'}>
    <summary>{signIn.recovery}</summary>
    <form method="post" action={action}>
      <HiddenFields kind="recovery_code" next={next} />
      <Field
        name="recovery_code"
        label={signIn.recoveryCode}
        hint={signIn.recoveryHint}
        problem={wrong === 'recovery_code' ? signIn.recoveryWrong : undefined}
        autocomplete="off"
        required
      />
      <p>
        <button type="submit">{signIn.recoverySubmit}</button>
      </p>
    </form>
  </details>
);

/**
 * A WebAuthn challenge, which security/passkey.script.ts passes to the browser; it posts the
 * response.
 */
export const PasskeyChallenge: FC<
  Readonly<{
    messages: Messages;
    verb: 'create' | 'get';
    options: unknown;
    action: string;
    fields: Readonly<Record<string, string>>;
    back: string;
  }>
> = ({ messages: { signIn }, verb, options, action, fields, back }) => (
  <>
    <p>{signIn.passkeyIntro}</p>
    <noscript>
      <Note kind="problem">{signIn.passkeyNeedsScript}</Note>
    </noscript>
    <p id="passkey-error" class="note problem" role="alert" hidden>
      {signIn.passkeyFailed}
    </p>
    <form
      id="passkey"
      method="post"
      action={action}
      data-verb={verb}
      data-options={JSON.stringify(options)}
    >
      {Object.entries({ ...fields, response: '' }).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      <p>
        <button type="submit">{signIn.passkeyRetry}</button> <a href={back}>{signIn.goBack}</a>
      </p>
    </form>
  </>
);
