/**
 * Signing in: a password, and where the account has one, a second factor. Unknown addresses take the
 * same steps as known ones, up to and including the hash.
 */
import {
  type Credentials,
  countStepTry,
  findCredentials,
  findStep,
  insertStep,
  rehashPassword,
  type Step,
} from '@farebox/database';
import type { Letter } from '@farebox/mail';
import { reopenAccount } from './accounts.ts';
import type {
  FactorProof,
  IdentityHouse,
  ProveSecondFactorRequest,
  RelyingParty,
  SecondFactorResult,
  SecondFactors,
  SignInRequest,
  SignInResult,
  Token,
} from './contract.ts';
import { readEmail } from './emails.ts';
import { letIn } from './entrance.ts';
import { hashFor, verifyFor } from './hashing.ts';
import { addressed, freshToken, LASTS, timeOf, tokenHash } from './house.ts';
import { askToAnswer } from './passkeys.ts';
import { needsRehash } from './passwords.ts';
import { verifyFactor } from './proof.ts';
import { allowCode, allowSignIn } from './throttles.ts';

/** Of one right password. Five typing errors are a person, more is a program. */
const STEP_TRIES = 5;

export async function signIn(house: IdentityHouse, request: SignInRequest): Promise<SignInResult> {
  const { password, network } = request;
  const shown = request.device === null ? null : tokenHash(request.device);
  // What is no address is nobody's, and takes as long as an address that nobody has.
  const emailKey = readEmail(request.email)?.key ?? '';
  const found = await findCredentials(house.db, emailKey, shown, house.now());
  const device = found?.deviceKnown ? shown : null;
  const throttled = await allowSignIn(house, { emailKey, network, device });
  if (throttled !== undefined) return throttled;
  const right = await verifyFor(house, password, found?.passwordHash);
  if (!right || found === undefined) return { ok: false, reason: 'wrong' };

  const passwordHash = await raiseHash(house, found, password);
  if (passwordHash === undefined) return { ok: false, reason: 'wrong' };
  if (!found.opened) {
    await reopenAccount(house.db, house.accounts, found.accountId, house.now());
  }
  const factors = usable(found.factors);
  if (factors !== undefined) return openStep(house, found, passwordHash, factors);
  const signedIn = await letIn(house, found.accountId, { passwordHash }, device);
  if (signedIn === undefined) return { ok: false, reason: 'wrong' };
  return { ok: true, signedIn, letters: device === null ? [newDevice(house, found)] : [] };
}

/** The hash to go on with; undefined where the password was changed meanwhile. */
async function raiseHash(
  house: IdentityHouse,
  found: Credentials,
  password: string,
): Promise<string | undefined> {
  const before = found.passwordHash;
  if (!needsRehash(before)) return before;
  const after = await hashFor(house, password);
  return (await rehashPassword(house.db, found.accountId, { before, after })) ? after : undefined;
}

async function openStep(
  house: IdentityHouse,
  found: Credentials,
  passwordHash: string,
  factors: SecondFactors,
): Promise<SignInResult> {
  const step = freshToken(house);
  const { accountId } = found;
  const now = house.now();
  const row = { tokenHash: tokenHash(step), accountId, passwordHash, now };
  const opened = await insertStep(house.db, { ...row, expiresAt: now + LASTS.step });
  return opened ? { ok: true, step, factors } : { ok: false, reason: 'wrong' };
}

/** Recovery codes stand in for a factor; without one they ask nothing of anybody. */
function usable(factors: SecondFactors): SecondFactors | undefined {
  return factors.totp || factors.passkey ? factors : undefined;
}

function newDevice(house: IdentityHouse, whose: Credentials): Letter {
  return { kind: 'new_device', facts: { at: timeOf(house) }, ...addressed(whose) };
}

/** What may be shown at a half-open door; undefined where there is none, or its tries are used up. */
export async function stepFactors(
  house: IdentityHouse,
  step: Token,
): Promise<SecondFactors | undefined> {
  const found = await openDoor(house, step, null);
  return found === undefined ? undefined : found.factors;
}

async function openDoor(
  house: IdentityHouse,
  step: Token,
  deviceHash: string | null,
): Promise<Step | undefined> {
  const found = await findStep(house.db, tokenHash(step), deviceHash, house.now());
  return found === undefined || found.tries >= STEP_TRIES ? undefined : found;
}

/** Options for `navigator.credentials.get`; undefined without a step, or without passkeys. */
export async function askPasskey(
  house: IdentityHouse,
  rp: RelyingParty,
  step: Token,
): Promise<unknown> {
  const found = await openDoor(house, step, null);
  return found === undefined ? undefined : askToAnswer(house, rp, found.accountId, 'sign_in');
}

export async function proveSecondFactor(
  house: IdentityHouse,
  rp: RelyingParty,
  request: ProveSecondFactorRequest,
): Promise<SecondFactorResult> {
  const stepHash = tokenHash(request.step);
  const shown = request.device === null ? null : tokenHash(request.device);
  const found = await openDoor(house, request.step, shown);
  if (found === undefined) return { ok: false, reason: 'step_invalid' };
  const device = found.deviceKnown ? shown : null;
  const throttled = await throttle(house, found, request.proof, device);
  if (throttled !== undefined) return throttled;
  // Counted before it is looked at, so that tries at the same moment can't be more than there are.
  if (!(await countStepTry(house.db, stepHash, STEP_TRIES, house.now()))) {
    return { ok: false, reason: 'step_invalid' };
  }
  const shownFactor = await verifyFactor(house, rp, found, request.proof, 'sign_in');
  if (shownFactor === undefined) return { ok: false, reason: 'wrong' };
  const signedIn = await letIn(house, found.accountId, { stepHash }, device);
  if (signedIn === undefined) return { ok: false, reason: 'step_invalid' };
  const letters = device === null ? [newDevice(house, found)] : [];
  return { ok: true, signedIn, letters: [...letters, ...shownFactor.letters] };
}

async function throttle(
  house: IdentityHouse,
  found: Step,
  proof: FactorProof,
  device: string | null,
) {
  if (proof.kind !== 'totp') return undefined;
  return allowCode(house, { account: found.accountId, device });
}
