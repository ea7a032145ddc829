/**
 * A house for tests: a clock that only the test moves, a ledger that remembers what it opened, and
 * passwords that hash at once and are counted. Everything else is the real thing.
 */
import type { Database } from '@farebox/database';
import type { Letter, LetterKind } from '@farebox/mail';
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import {
  confirmSignUp,
  findPerson,
  type IdentityHouse,
  type Person,
  type SignedIn,
  type SignInResult,
  signIn,
  signUp,
} from './index.ts';

export const PASSWORD = 'correct horse battery';
export const NETWORK = '192.0.2.1';

const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes)).replaceAll('=', '');

export class Stage {
  readonly house: IdentityHouse;
  /** Hashes made or compared since the start. */
  hashes = 0;
  readonly opened: string[] = [];
  ledgerAway = false;
  #now = Date.UTC(2026, 10, 24, 12);
  #people = 0;

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
      if (this.ledgerAway) throw new Error('the ledger is away');
      this.opened.push(account);
    };
    this.house = {
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

  /** An address nobody had before. */
  someone(): string {
    this.#people += 1;
    return `someone${this.#people}@example.com`;
  }

  /** A network nobody came from before. */
  somewhere(): string {
    this.#people += 1;
    return `198.51.100.${this.#people}`;
  }

  async signUp(email: string, password = PASSWORD): Promise<string> {
    const network = this.somewhere();
    const asked = await signUp(this.house, { email, password, language: 'en', network });
    if (!asked.ok) throw new Error(asked.reason);
    return onlyLetter(asked.letters, 'confirm_sign_up').facts.token;
  }

  /** Signed up, confirmed, signed in. */
  async join(email = this.someone()): Promise<Readonly<{ person: Person; signedIn: SignedIn }>> {
    const token = await this.signUp(email);
    const network = this.somewhere();
    const confirmed = await confirmSignUp(this.house, { token, password: PASSWORD, network });
    if (!confirmed.ok) throw new Error(confirmed.reason);
    return { person: await this.person(confirmed.signedIn.session), signedIn: confirmed.signedIn };
  }

  async person(session: string): Promise<Person> {
    const person = await findPerson(this.house, session);
    if (person === undefined) throw new Error('nobody is signed in');
    return person;
  }

  signIn(
    email: string,
    wish: Partial<Readonly<{ password: string; network: string; device: string | null }>> = {},
  ): Promise<SignInResult> {
    const { password = PASSWORD, network = NETWORK, device = null } = wish;
    return signIn(this.house, { email, password, network, device });
  }

  /** How many rows of a table a condition finds. */
  async rows(table: string, where = 'true'): Promise<number> {
    const { rows } = await this.house.db.execute<{ found: string }>(
      `select count(*) as found from ${table} where ${where}`,
    );
    return Number(rows[0]?.found);
  }
}

/** Written as argon2id writes, so that it is never found to need rehashing. */
function cheapHash(password: string, salt: string): string {
  const digest = sha256(utf8ToBytes(`${salt} ${password.normalize('NFKC')}`));
  return `$argon2id$v=19$m=19456,t=2,p=1$${salt}$${base64(digest)}`;
}

/** The only letter there is, which must be of that kind. */
export function onlyLetter<Kind extends LetterKind>(
  letters: readonly Letter[],
  kind: Kind,
): Extract<Letter, { kind: Kind }> {
  const [letter, ...others] = letters.filter(
    (sent): sent is Extract<Letter, { kind: Kind }> => sent.kind === kind,
  );
  if (letter === undefined || others.length > 0 || letters.length !== 1) {
    throw new Error(`not one ${kind}, but ${letters.map((sent) => sent.kind).join(', ')}`);
  }
  return letter;
}
