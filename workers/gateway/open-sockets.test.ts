/** How many WebSockets an account may have, and how much clients may leave unread. */
import { describe, expect, it } from 'vitest';
import {
  MAX_CLIENT_IDLE_MS,
  MAX_SOCKETS_PER_ACCOUNT,
  MAX_UNREAD,
  MAX_UNREAD_PER_ACCOUNT,
  type OpenSocket,
  OpenSockets,
} from './open-sockets.ts';

const NOW = Date.UTC(2026, 10, 26);
const ALICE = 'a'.repeat(16);
const BOB = 'b'.repeat(16);
const MB = 1024 * 1024;

function open(sockets: OpenSockets, account: string, now = NOW): OpenSocket {
  const socket = sockets.open(account, now);
  if (socket === null) throw new Error('refused');
  return socket;
}

function openAll(sockets: OpenSockets): OpenSocket[] {
  return Array.from({ length: MAX_SOCKETS_PER_ACCOUNT }, () => open(sockets, ALICE));
}

describe('OpenSockets', () => {
  it('refuses an account one more than it may have, and no other', () => {
    const sockets = new OpenSockets();
    const [first] = openAll(sockets);
    expect(sockets.open(ALICE, NOW)).toBeNull();
    expect(sockets.open(BOB, NOW)).not.toBeNull();
    first?.close();
    first?.close();
    expect(sockets.open(ALICE, NOW)).not.toBeNull();
    expect(sockets.open(ALICE, NOW)).toBeNull();
  });

  it('does not count those that ended without a word, once they would be closed as idle', () => {
    const sockets = new OpenSockets();
    const [first] = openAll(sockets);
    const later = NOW + MAX_CLIENT_IDLE_MS;
    expect(sockets.open(ALICE, later)).toBeNull();
    first?.noteMessage(true, later);
    for (let count = 1; count < MAX_SOCKETS_PER_ACCOUNT; count++) open(sockets, ALICE, later + 1);
    expect(sockets.open(ALICE, later + 1)).toBeNull();
  });

  it('bounds what an account leaves unread on all of its sockets together', () => {
    const sockets = new OpenSockets();
    const [one, two] = [open(sockets, ALICE), open(sockets, ALICE)];
    expect(one.noteSent(MAX_UNREAD_PER_ACCOUNT - MB, NOW)).toBe(true);
    expect(two.noteSent(MB, NOW)).toBe(true);
    expect(two.noteSent(1, NOW)).toBe(false);
    expect(open(sockets, BOB).noteSent(MB, NOW)).toBe(true);
  });

  it('takes a message after an answer as the sign that it was read, and no earlier one', () => {
    const sockets = new OpenSockets();
    const socket = open(sockets, ALICE);
    socket.noteSent(MAX_UNREAD_PER_ACCOUNT, NOW);
    socket.noteMessage(false, NOW);
    expect(socket.noteSent(1, NOW)).toBe(false);
    socket.noteMessage(true, NOW);
    expect(socket.noteSent(MAX_UNREAD_PER_ACCOUNT, NOW)).toBe(true);
  });

  it('lets nobody add much while all clients together have left too much unread', () => {
    const sockets = new OpenSockets();
    const accounts = [ALICE, BOB, 'c'.repeat(16)].map((account) => open(sockets, account));
    const sent = accounts.map((socket) => socket.noteSent(MAX_UNREAD / 3, NOW));
    expect(sent).toEqual([true, true, true]);
    const [alice, bob] = accounts;
    expect(alice?.noteSent(1, NOW)).toBe(false);
    expect(open(sockets, 'd'.repeat(16)).noteSent(MB, NOW)).toBe(true);
    bob?.close();
    expect(alice?.noteSent(1, NOW)).toBe(true);
  });

  it('does not count what is sent to a client after its socket closed', () => {
    const sockets = new OpenSockets();
    const closed = open(sockets, ALICE);
    closed.close();
    closed.noteSent(MAX_UNREAD, NOW);
    expect(open(sockets, BOB).noteSent(2 * MB, NOW)).toBe(true);
  });
});
