/** The model that most examples are reckoned with: input 3, write 3.75, read 0.30, output 15 dollars a million. */
export const SONNET_4_5 = { model: 'claude-sonnet-4-5', minimumTokens: 1024 } as const;

/** Input 2, write 2.50, read 0.10, output 10 dollars a million; caches from 512 tokens on. */
export const SONNET_5_5 = { model: 'claude-sonnet-5-5', minimumTokens: 512 } as const;

/** When everything is played, for prices change. */
export const PLAYED_AT_MS = Date.UTC(2026, 9, 15);

export const OUTPUT_TOKENS = 300;
