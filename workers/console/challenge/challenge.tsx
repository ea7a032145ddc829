/**
 * The part of a form that solves a challenge, where a limit that strangers share is full. The
 * script `proof-of-work` fills in the solution while the form is filled in. Without it, the same
 * button asks to send the email later, or the user waits.
 */
import { type Form, Note } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { type ChallengeRequired, issueChallenge, type ProofOfWork } from '@farebox/identity';
import type { Context } from 'hono';
import type { FC } from 'hono/jsx';
import type { PageVariables } from '../session.ts';

export type FormChallenge = Readonly<{
  challenge: string;
  /** Whether the form leads to an email that can be sent later. */
  canDelay: boolean;
  retryAfterSeconds: number;
}>;

export const CHALLENGE_SCRIPTS = ['proof-of-work'] as const;

/** Issues a challenge for the form that the response shows again. */
export function createFormChallenge<E extends { Variables: PageVariables }>(
  c: Context<E>,
  { retryAfterSeconds }: ChallengeRequired,
  { canDelay }: Readonly<{ canDelay: boolean }>,
): FormChallenge {
  const { deps }: PageVariables = c.var;
  c.header('retry-after', String(retryAfterSeconds));
  return { challenge: issueChallenge(deps.identity), canDelay, retryAfterSeconds };
}

type ChallengeAnswer = Readonly<{ proofOfWork: ProofOfWork | null; mayDelay: boolean }>;

export function readChallengeAnswer(form: Form): ChallengeAnswer {
  const challenge = form.text('challenge');
  const proofOfWork = challenge === '' ? null : { challenge, solution: form.text('solution') };
  return { proofOfWork, mayDelay: form.text('delayed') === '1' };
}

/** Stands before the form and says why there is a challenge. */
export const ChallengeNote: FC<{ messages: Messages }> = ({ messages }) => (
  <Note kind="warning">{messages.challenge.intro}</Note>
);

/** The end of the form: the hidden fields, the button and the progress. */
export const ChallengeSubmit: FC<
  Readonly<{ messages: Messages; formChallenge: FormChallenge; submit: string }>
> = ({ messages: { challenge: t }, formChallenge, submit }) => {
  const { challenge, canDelay, retryAfterSeconds } = formChallenge;
  return (
    <>
      <input type="hidden" name="challenge" value={challenge} />
      <input type="hidden" name="solution" value="" />
      <p data-without-script class="hint">
        {canDelay ? t.sentLater : t.wait(Math.ceil(retryAfterSeconds / 60))}
      </p>
      <p>
        <button
          type="submit"
          name={canDelay ? 'delayed' : undefined}
          value={canDelay ? '1' : undefined}
          data-label={submit}
        >
          {canDelay ? t.sendLater : submit}
        </button>{' '}
        <span role="status" data-working={t.working} data-done={t.done}></span>
      </p>
    </>
  );
};
