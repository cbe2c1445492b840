/** The bulk-run library. */
export {};
