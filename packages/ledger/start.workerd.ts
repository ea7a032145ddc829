/** Far ahead, so that no alarm rings by itself: tests ring them. */
export const START = 2_000_000_000_000;
