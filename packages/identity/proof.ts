/** Whether a second factor that was shown is one of the account's, and what else follows from it. */
import { credentialsOfAccount, type Mailbox, markProved } from '@farebox/database';
import type { Letter } from '@farebox/mail';
import type {
  FactorProof,
  IdentityHouse,
  Letters,
  Person,
  Proof,
  ProveResult,
  RelyingParty,
  Token,
} from './contract.ts';
import { verifyFor } from './hashing.ts';
import { tokenHash } from './house.ts';
import { askToAnswer, verifyAnswer } from './passkeys.ts';
import { spendRecoveryCode } from './recovery-codes.ts';
import { allowCode, allowProof } from './throttles.ts';
import { verifyTotp } from './totp.ts';

/** Undefined where it is none; a code or an answer that counted does not count again. */
export async function verifyFactor(
  house: IdentityHouse,
  rp: RelyingParty,
  whose: Mailbox,
  proof: FactorProof,
  purpose: 'sign_in' | 'prove',
): Promise<Letters | undefined> {
  const { accountId } = whose;
  if (proof.kind === 'recovery_code') return spendRecoveryCode(house, whose, proof.code);
  const right =
    proof.kind === 'totp'
      ? await verifyTotp(house, accountId, proof.code)
      : await verifyAnswer(house, rp, accountId, purpose, proof.response);
  return right ? { letters: [] } : undefined;
}

/** Before a dear action. The letters tell of a recovery code that was used up for it. */
export async function prove(
  house: IdentityHouse,
  rp: RelyingParty,
  person: Person,
  session: Token,
  proof: Proof,
  _network: string,
): Promise<ProveResult> {
  const throttled =
    (await allowProof(house, person.session)) ??
    ('kind' in proof && proof.kind === 'totp'
      ? await allowCode(house, { account: person.account, device: person.session })
      : undefined);
  if (throttled !== undefined) return throttled;
  const letters = await lettersOfProof(house, rp, person, proof);
  if (letters === undefined) return { ok: false, reason: 'wrong' };
  await markProved(house.db, person.account, tokenHash(session), house.now());
  return { ok: true, letters };
}

async function lettersOfProof(
  house: IdentityHouse,
  rp: RelyingParty,
  person: Person,
  proof: Proof,
): Promise<readonly Letter[] | undefined> {
  const { account, email, language } = person;
  if ('kind' in proof) {
    const whose = { accountId: account, email, language };
    return (await verifyFactor(house, rp, whose, proof, 'prove'))?.letters;
  }
  const found = await credentialsOfAccount(house.db, account, house.now());
  const right = await verifyFor(house, proof.password, found?.passwordHash);
  return right ? [] : undefined;
}

/** Options for `navigator.credentials.get`; undefined where the person has no passkey. */
export function askPasskeyToProve(
  house: IdentityHouse,
  rp: RelyingParty,
  person: Person,
): Promise<unknown> {
  return askToAnswer(house, rp, person.account, 'prove');
}
