/**
 * The simulated upstream: the Messages API with no model behind it. Deterministic answers, streaming, tools, structured
 * output, prompt caching with its bill, native batches, limits and scripted faults, on a real or a virtual clock; in the same process or over HTTP.
 */
export type { NativeBatchOptions } from './batches/batch-run.ts';
export { DEFAULT_CACHE, type CacheOptions } from './cache/cache-options.ts';
export {
  PromptCache,
  type CacheEntryView,
  type CacheMiss,
  type CacheRequest,
  type CacheTurn,
  type CacheWrite,
  type InputBill,
} from './cache/prompt-cache.ts';
export { ClockDriver } from './control/clock-driver.ts';
export { createControl, type Control } from './control/control.ts';
export type { ResponseHeaders, SimulatorCall, SimulatorEvents } from './exchange.ts';
export type { FaultEntry } from './faults/fault-book.ts';
export { readFaultRules, type FaultReading } from './faults/fault-reader.ts';
export {
  FAULT_KINDS,
  FAULT_PHASES,
  type FaultKind,
  type FaultMatch,
  type FaultPhase,
  type FaultRule,
} from './faults/fault-rule.ts';
export type { LedgerEntry, LedgerTotals, LedgerView } from './ledger/ledger.ts';
export type { PrefixWrite, PrefixWriteTally } from './ledger/prefix-writes.ts';
export type { SimulatorLimits } from './limits/rate-limits.ts';
export { DEFAULT_PROFILE, SIMULATOR_PROFILES, type SimulatorOptions, type SimulatorProfile } from './options.ts';
export type { LoggedRequest } from './request-log.ts';
export { serveSimulator, type ServedSimulator, type ServeOptions } from './serve/serve.ts';
export { createSimulator, type Simulator } from './simulator.ts';
