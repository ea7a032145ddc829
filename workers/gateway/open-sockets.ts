/**
 * The WebSockets of clients that are open in this isolate: how many an account has, and how much
 * their clients may not have read. The runtime keeps what is sent until the client takes it, without
 * a bound, and tells nobody how much that is (workerd has no `bufferedAmount`). So a client counts as
 * having read an answer when it sends its next message after the end of it.
 *
 * No socket is touched from here: each belongs to a request, and only that may close it.
 */
import type { AccountId } from '@farebox/ledger';

/** Open WebSockets of one account in an isolate. */
export const MAX_SOCKETS_PER_ACCOUNT = 100;

/**
 * Characters that the clients of an account may not have read. An answer of 100,000 tokens, each in
 * an event of its own, takes 30 MB; an isolate has 128 MB.
 */
export const MAX_UNREAD_PER_ACCOUNT = 32 * 1024 * 1024;
/** Characters that all clients together may not have read; beyond it, none may add much. */
export const MAX_UNREAD = 48 * 1024 * 1024;
const MAX_UNREAD_UNDER_PRESSURE = 1024 * 1024;

/** How long a WebSocket stays open without a message either way, in milliseconds. */
export const MAX_CLIENT_IDLE_MS = 60 * 60_000;

type AccountSockets = { count: number; unread: number };

export class OpenSocket {
  readonly account: AccountId;
  readonly #sockets: OpenSockets;
  #unread = 0;
  #isClosed = false;
  #activeAt: number;

  constructor(sockets: OpenSockets, account: AccountId, now: number) {
    this.#sockets = sockets;
    this.account = account;
    this.#activeAt = now;
  }

  /** Notes a message of the client. `isAfterAnswer` says that nothing was being sent to it. */
  noteMessage(isAfterAnswer: boolean, now: number): void {
    this.#activeAt = now;
    if (isAfterAnswer) this.#countUnread(-this.#unread);
  }

  /**
   * Counts a message to the client; returns false if it has left too much unread. A message of a
   * turn that ends after `close` counts for nothing: nobody would take it from the count again.
   */
  noteSent(length: number, now: number): boolean {
    this.#activeAt = now;
    this.#countUnread(length);
    return this.#sockets.isWithinBounds(this.account, this.#unread);
  }

  /** Returns whether nothing came or went for so long that the socket is closed by now. */
  isIdle(now: number): boolean {
    return now - this.#activeAt > MAX_CLIENT_IDLE_MS;
  }

  close(): void {
    this.#countUnread(-this.#unread);
    this.#isClosed = true;
    this.#sockets.remove(this);
  }

  #countUnread(length: number): void {
    if (this.#isClosed) return;
    this.#unread += length;
    this.#sockets.countUnread(this.account, length);
  }
}

/** One per isolate. */
export class OpenSockets {
  readonly #open = new Set<OpenSocket>();
  readonly #accounts = new Map<AccountId, AccountSockets>();
  #unread = 0;

  /**
   * Counts a socket of an account; null if it has too many. Those that the runtime ended without a
   * word no longer count once they would have been closed as idle.
   */
  open(account: AccountId, now: number): OpenSocket | null {
    if (this.#get(account).count >= MAX_SOCKETS_PER_ACCOUNT)
      for (const other of this.#open)
        if (other.account === account && other.isIdle(now)) other.close();
    const ofAccount = this.#get(account);
    if (ofAccount.count >= MAX_SOCKETS_PER_ACCOUNT) return null;
    const socket = new OpenSocket(this, account, now);
    this.#open.add(socket);
    this.#accounts.set(account, { ...ofAccount, count: ofAccount.count + 1 });
    return socket;
  }

  countUnread(account: AccountId, length: number): void {
    this.#unread += length;
    const ofAccount = this.#accounts.get(account);
    if (ofAccount !== undefined) ofAccount.unread += length;
  }

  /** Returns whether a socket with `unread` characters that its client may not have read goes on. */
  isWithinBounds(account: AccountId, unread: number): boolean {
    if (this.#get(account).unread > MAX_UNREAD_PER_ACCOUNT) return false;
    return this.#unread <= MAX_UNREAD || unread <= MAX_UNREAD_UNDER_PRESSURE;
  }

  /** Ends the count of a socket; again is nothing. */
  remove(socket: OpenSocket): void {
    if (!this.#open.delete(socket)) return;
    const ofAccount = this.#get(socket.account);
    if (ofAccount.count > 1)
      this.#accounts.set(socket.account, { ...ofAccount, count: ofAccount.count - 1 });
    else this.#accounts.delete(socket.account);
  }

  #get(account: AccountId): AccountSockets {
    return this.#accounts.get(account) ?? { count: 0, unread: 0 };
  }
}
