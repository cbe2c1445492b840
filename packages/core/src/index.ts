/** Decides, never does: pure state machines, retry, rate, schedule and params rules. Time and chance are arguments. */
export * from './batch/batch-record.ts';
export * from './clock/clock.ts';
export * from './clock/system-clock.ts';
export * from './clock/virtual-clock.ts';
export { batchRefusal } from './params/batch-refusal.ts';
export { isJsonObject, listOf, type JsonObject } from './params/json-value.ts';
export type { ParamsSurface } from './params/model-rules.ts';
export type { ParamsError } from './params/params-error.ts';
export { validateParams, type ParamsContext } from './params/validate-params.ts';
export * from './retry/upstream-answer.ts';
