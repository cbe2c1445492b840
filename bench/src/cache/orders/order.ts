import type { PrefixSchedule, PrefixWarmth } from '@batchwright/core';

/** In which order a batch's requests go: core's schedule, or what it is compared with. */
export type Order = Pick<
  PrefixSchedule,
  'size' | 'isReady' | 'take' | 'push' | 'started' | 'firstByte' | 'ended' | 'nextWakeMs' | 'close'
>;

/** What is known of a tenant's cache; of each replica's by its number, where each has its own. */
export type WarmthOf = (replica: number) => PrefixWarmth;

/** Makes the order of one batch. */
export type MakeOrder = (warmthOf: WarmthOf, isPending: (request: number) => boolean) => Order;
