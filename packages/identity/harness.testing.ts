/**
 * Dependencies for tests: a clock that only the test moves, a ledger that records what it opened,
 * and a fast password hash that counts its calls. Everything else is real.
 */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Database } from '@farebox/database';
import type { Email, EmailKind } from '@farebox/mail';
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import {
  type Budgets,
  confirmSignUp,
  findSessionUser,
  type IdentityDeps,
  type ProofOfWork,
  type SessionUser,
  type SignedIn,
  type SignInResult,
  signIn,
  signUp,
} from './index.ts';

export const PASSWORD = 'correct horse battery';
export const CLIENT_IP = '192.0.2.1';

const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes)).replaceAll('=', '');

/** Counts what must not repeat, also where several harnesses share a database. */
let counter = 0;

export class IdentityHarness {
  readonly deps: IdentityDeps;
  /** Hashes computed or compared so far. */
  hashes = 0;
  readonly opened: string[] = [];
  ledgerUnavailable = false;
  #now = Date.UTC(2026, 10, 24, 12);

  constructor(db: Database, budgets: Budgets = {}) {
    const hash = async (password: string, salt: Uint8Array) => {
      this.hashes += 1;
      return cheapHash(password, base64(salt));
    };
    const verify = async (password: string, stored: string) => {
      this.hashes += 1;
      return cheapHash(password, stored.split('$')[4] ?? '') === stored;
    };
    const open = async (account: string) => {
      if (this.ledgerUnavailable) throw new Error('the ledger is away');
      this.opened.push(account);
    };
    this.deps = {
      db,
      accounts: { open },
      secret: new Uint8Array(32).fill(7),
      random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
      now: () => this.#now,
      passwords: { hash, verify },
      budgets,
    };
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
  }

  /** Returns an address that no test used before. */
  newEmail(): string {
    counter += 1;
    return `someone${counter}@example.com`;
  }

  /** Returns an IP address that no test used before. */
  newClientIp(): string {
    counter += 1;
    return `10.${(counter >> 16) & 255}.${(counter >> 8) & 255}.${counter & 255}`;
  }

  async signUp(email: string, password = PASSWORD): Promise<string> {
    const clientIp = this.newClientIp();
    const result = await signUp(this.deps, { email, password, language: 'en', clientIp });
    if (!result.ok) throw new Error(result.reason);
    return onlyEmail(result.emails, 'confirm_sign_up').facts.token;
  }

  /** Signs up, confirms and signs in. */
  async createUser(
    email = this.newEmail(),
  ): Promise<Readonly<{ user: SessionUser; signedIn: SignedIn }>> {
    const token = await this.signUp(email);
    const clientIp = this.newClientIp();
    const confirmed = await confirmSignUp(this.deps, { token, password: PASSWORD, clientIp });
    if (!confirmed.ok) throw new Error(confirmed.reason);
    return { user: await this.getUser(confirmed.signedIn.session), signedIn: confirmed.signedIn };
  }

  async getUser(session: string): Promise<SessionUser> {
    const user = await findSessionUser(this.deps, session);
    if (user === undefined) throw new Error('nobody is signed in');
    return user;
  }

  signIn(
    email: string,
    overrides: Partial<
      Readonly<{
        password: string;
        clientIp: string;
        device: string | null;
        proofOfWork: ProofOfWork;
      }>
    > = {},
  ): Promise<SignInResult> {
    const request = { password: PASSWORD, clientIp: CLIENT_IP, device: null, ...overrides };
    return signIn(this.deps, { email, ...request });
  }

  /** Counts the rows of a table that match a condition. */
  async rows(table: string, where = 'true'): Promise<number> {
    const { rows } = await this.deps.db.execute<{ found: string }>(
      `select count(*) as found from ${table} where ${where}`,
    );
    return Number(rows[0]?.found);
  }
}

/** Returns a PHC string with the current argon2id parameters, so that it never needs rehashing. */
function cheapHash(password: string, salt: string): string {
  const digest = sha256(utf8ToBytes(`${salt} ${password.normalize('NFKC')}`));
  return `$argon2id$v=19$m=19456,t=2,p=1$${salt}$${base64(digest)}`;
}

/** Solves a challenge as a browser does, and lets connections live meanwhile. */
export async function solveChallenge(challenge: string): Promise<ProofOfWork> {
  const bits = Number(challenge.split('.')[1]);
  for (let attempt = 0; ; attempt += 1) {
    if (attempt % 10_000 === 0) await setImmediate();
    const solution = String(attempt);
    const digest = createHash('sha256').update(`${challenge}.${solution}`).digest();
    if (Math.clz32(digest.readUInt32BE(0)) >= bits) return { challenge, solution };
  }
}

/** Returns the only email, which must be of that kind. */
export function onlyEmail<Kind extends EmailKind>(
  emails: readonly Email[],
  kind: Kind,
): Extract<Email, { kind: Kind }> {
  const [email, ...others] = emails.filter(
    (candidate): candidate is Extract<Email, { kind: Kind }> => candidate.kind === kind,
  );
  if (email === undefined || others.length > 0 || emails.length !== 1) {
    throw new Error(`not one ${kind}, but ${emails.map((candidate) => candidate.kind).join(', ')}`);
  }
  return email;
}
