/**
 * What is known of a prefix in the upstream's cache; one byte each, and a zeroed array is all cold.
 *
 *     cold ──a leader goes──▸ warming ──its first byte──▸ warm ◂──▸ settling
 *      ▴                         │                         │
 *      └──the leader failed──────┴──expired────────────────┘        dead: cached by nobody
 *
 * `settling` is warm, but whether others can read it yet is in doubt: they wait, or go one by one.
 */
export const WARM_STATE = { cold: 0, warming: 1, settling: 2, warm: 3, dead: 4 } as const;

export type WarmState = (typeof WARM_STATE)[keyof typeof WARM_STATE];
