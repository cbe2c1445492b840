import { UPSTREAM_PROFILES, type Clock } from '@batchwright/core';
import type { RandomBytes } from '@batchwright/protocol';
import type { Catalog } from '../../packages/server/src/catalog/catalog.ts';
import { createIntake } from '../../packages/server/src/intake/create-intake.ts';
import type { Intake } from '../../packages/server/src/intake/intake.ts';
import type { Spool } from '../../packages/server/src/spool/spool.ts';

/** What an upload needs of the process that takes it. */
export interface IntakeGround {
  readonly clock: Clock;
  readonly spool: Spool;
  readonly catalog: Catalog;
  readonly randomBytes: RandomBytes;
}

interface Lendable {
  readonly intake: Intake;
  ground: IntakeGround | null;
}

/**
 * Intakes that go from process to process and from world to world: each holds a scanner of 38 MB, and making one anew for
 * every upload was two thirds of the time that a seed took. One whose process died in the middle is not used again.
 */
const idle: Lendable[] = [];

export async function withIntake<T>(ground: IntakeGround, use: (intake: Intake) => Promise<T>): Promise<T> {
  const lent = idle.pop() ?? makeIntake();
  lent.ground = ground;
  try {
    return await use(lent.intake);
  } finally {
    lent.ground = null;
    idle.push(lent);
  }
}

function makeIntake(): Lendable {
  const grounded = (): IntakeGround => {
    if (lent.ground === null) throw new Error('an intake is used by nobody');
    return lent.ground;
  };
  const intake = createIntake({
    spool: { createRequestLog: (id) => grounded().spool.createRequestLog(id) },
    catalog: {
      batches: {
        create: (...args) => grounded().catalog.batches.create(...args),
        exists: (id) => grounded().catalog.batches.exists(id),
      },
    },
    profile: UPSTREAM_PROFILES.anthropic,
    hasBatchDiscount: false,
    clock: { now: () => grounded().clock.now(), after: (ms, action) => grounded().clock.after(ms, action) },
    randomBytes: (length) => grounded().randomBytes(length),
    concurrentUploads: 1,
  });
  const lent: Lendable = { intake, ground: null };
  return lent;
}
