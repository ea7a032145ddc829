/** The timeouts of a call, as configured for this Worker. */

export type Timeouts = Readonly<{
  /** Milliseconds until the provider's response headers must have arrived. */
  firstByteMs: number;
  /** Milliseconds that may pass between two chunks of a response. */
  idleMs: number;
  /** Milliseconds after which a client that received nothing gets a keep-alive event. */
  keepAliveMs: number;
  /**
   * Milliseconds until a stream's first checkpoint; the interval then grows to three times as long.
   */
  checkpointMs: number;
  /** Milliseconds to wait for the usage after the client disconnected; within waitUntil's 30 s. */
  drainMs: number;
  /** Milliseconds by which a hold outlives the last moment at which the provider may answer. */
  holdGraceMs: number;
}>;
