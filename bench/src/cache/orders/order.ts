import type { PrefixSchedule, PrefixWarmth } from '@batchwright/core';

/** In which order a batch's requests go: core's schedule, or what it is compared with. */
export type Order = Pick<
  PrefixSchedule,
  'size' | 'isReady' | 'take' | 'push' | 'started' | 'firstByte' | 'ended' | 'nextWakeMs' | 'close'
>;

/** Makes the order of one batch. `warmth` is what is known of its tenant's cache. */
export type MakeOrder = (warmth: PrefixWarmth, isPending: (request: number) => boolean) => Order;
