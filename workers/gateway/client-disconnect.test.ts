/** The record of a client's disconnect, and its listeners. */
import { describe, expect, it } from 'vitest';
import { ClientDisconnect } from './client-disconnect.ts';

function connect() {
  const time = { now: 100 };
  const controller = new AbortController();
  const calls: string[] = [];
  const disconnect = new ClientDisconnect(controller.signal, () => time.now);
  return { time, controller, calls, disconnect };
}

describe('ClientDisconnect', () => {
  it('records the time of the abort signal', () => {
    const { time, controller, disconnect } = connect();
    expect(disconnect.at).toBeNull();
    time.now = 250;
    controller.abort();
    expect(disconnect.at).toBe(250);
  });

  it('keeps the time of the first report when several sources report the disconnect', () => {
    const { time, controller, disconnect } = connect();
    expect(disconnect.mark()).toBe(100);
    time.now = 300;
    controller.abort();
    expect(disconnect.mark()).toBe(100);
    expect(disconnect.at).toBe(100);
  });

  it('is disconnected from the start when the signal was aborted before', () => {
    const disconnect = new ClientDisconnect(AbortSignal.abort(), () => 7);
    expect(disconnect.at).toBe(7);
  });

  it('calls every listener once, in the order of their registration', () => {
    const { controller, calls, disconnect } = connect();
    disconnect.onDisconnect(() => calls.push('first'));
    disconnect.onDisconnect(() => calls.push('second'));
    controller.abort();
    disconnect.mark();
    expect(calls).toEqual(['first', 'second']);
  });

  it('calls a listener at once when the client has already disconnected', () => {
    const { calls, disconnect } = connect();
    disconnect.mark();
    disconnect.onDisconnect(() => calls.push('late'));
    expect(calls).toEqual(['late']);
  });

  it('does not call a listener that was removed, and leaves the others', () => {
    const { calls, disconnect } = connect();
    const remove = disconnect.onDisconnect(() => calls.push('removed'));
    disconnect.onDisconnect(() => calls.push('kept'));
    remove();
    disconnect.mark();
    expect(calls).toEqual(['kept']);
  });
});
