/**
 * Dependencies for tests: a clock that only the test moves, a ledger that records what it opened,
 * and a fast password hash that counts its calls. Everything else is real.
 */
import type { Database } from '@farebox/database';
import type { Email, EmailKind } from '@farebox/mail';
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import {
  confirmSignUp,
  findSessionUser,
  type IdentityDeps,
  type SessionUser,
  type SignedIn,
  type SignInResult,
  signIn,
  signUp,
} from './index.ts';

export const PASSWORD = 'correct horse battery';
export const IP_PREFIX = '192.0.2.1';

const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes)).replaceAll('=', '');

export class IdentityHarness {
  readonly deps: IdentityDeps;
  /** Hashes computed or compared so far. */
  hashes = 0;
  readonly opened: string[] = [];
  ledgerUnavailable = false;
  #now = Date.UTC(2026, 10, 24, 12);
  #counter = 0;

  constructor(db: Database) {
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
    };
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
  }

  /** Returns an address that no test used before. */
  newEmail(): string {
    this.#counter += 1;
    return `someone${this.#counter}@example.com`;
  }

  /** Returns an IP prefix that no test used before. */
  newIpPrefix(): string {
    this.#counter += 1;
    return `198.51.100.${this.#counter}`;
  }

  async signUp(email: string, password = PASSWORD): Promise<string> {
    const ipPrefix = this.newIpPrefix();
    const result = await signUp(this.deps, { email, password, language: 'en', ipPrefix });
    if (!result.ok) throw new Error(result.reason);
    return onlyEmail(result.emails, 'confirm_sign_up').facts.token;
  }

  /** Signs up, confirms and signs in. */
  async createUser(
    email = this.newEmail(),
  ): Promise<Readonly<{ user: SessionUser; signedIn: SignedIn }>> {
    const token = await this.signUp(email);
    const ipPrefix = this.newIpPrefix();
    const confirmed = await confirmSignUp(this.deps, { token, password: PASSWORD, ipPrefix });
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
      Readonly<{ password: string; ipPrefix: string; device: string | null }>
    > = {},
  ): Promise<SignInResult> {
    const { password = PASSWORD, ipPrefix = IP_PREFIX, device = null } = overrides;
    return signIn(this.deps, { email, password, ipPrefix, device });
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
