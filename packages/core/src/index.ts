/** Decides, never does: pure state machines, retry, rate, schedule and params rules. Time and chance are arguments. */
export * from './batch/batch-record.ts';
export * from './clock/clock.ts';
export * from './clock/system-clock.ts';
export * from './clock/virtual-clock.ts';
export * from './retry/upstream-answer.ts';
