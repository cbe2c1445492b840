import { UPSTREAM_PROFILES, VirtualClock } from '@batchwright/core';
import type { BatchId, RandomBytes, WorkspaceId } from '@batchwright/protocol';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Catalog } from '../catalog/catalog.ts';
import { createMemoryCatalog } from '../catalog/memory/memory-catalog.ts';
import { createMemorySpool } from '../spool/memory/memory-spool.ts';
import type { Spool } from '../spool/spool.ts';
import { createIntake, type IntakeParts } from './create-intake.ts';
import type { BatchTerms, Intake, IntakeOutcome } from './intake.ts';

/** What the writes of a spool wait for, and fail with; tests change it while an upload runs. */
export class SpoolControl {
  /** Blocks handed over and not written yet, in order. */
  readonly held: { readonly block: Uint8Array; readonly release: () => void }[] = [];
  /** Bytes of every block handed over. */
  readonly blockBytes: number[] = [];
  /** Over every byte handed over, in order. */
  readonly digest = createHash('sha256');
  created = 0;
  holding = false;
  /** Asked before each step; throws to make it fail. */
  failAt: (step: 'create' | 'append' | 'commit', count: number) => void = () => undefined;
  #changed: (() => void)[] = [];

  release(): void {
    this.holding = false;
    for (const { release } of this.held.splice(0)) release();
  }

  /** Resolves once this many blocks have been handed over. */
  async untilHeld(blocks: number): Promise<void> {
    while (this.held.length < blocks) await new Promise<void>((resolve) => this.#changed.push(resolve));
  }

  async hold(block: Uint8Array): Promise<void> {
    this.blockBytes.push(block.length);
    this.digest.update(block);
    if (!this.holding) return;
    await new Promise<void>((release) => {
      this.held.push({ block, release });
      for (const tell of this.#changed.splice(0)) tell();
    });
  }
}

/** The spool in memory, with its writes under a test's control. */
function controlled(spool: Spool, control: SpoolControl): Pick<Spool, 'createRequestLog'> {
  return {
    async createRequestLog(batchId) {
      control.created++;
      control.failAt('create', control.created);
      const writer = await spool.createRequestLog(batchId);
      let appended = 0;
      return {
        async append(block) {
          control.failAt('append', ++appended);
          const before = Buffer.from(block);
          await control.hold(block);
          if (!before.equals(block)) throw new Error('A block changed while it was being written.');
          await writer.append(block);
        },
        async commit(index, plan) {
          control.failAt('commit', 1);
          await writer.commit(index, plan);
        },
        discard: () => writer.discard(),
      };
    },
  };
}

export interface IntakeFixture {
  readonly intake: Intake;
  readonly spool: Spool;
  readonly catalog: Catalog;
  readonly clock: VirtualClock;
  readonly control: SpoolControl;
  readonly terms: BatchTerms;
  readonly receive: (
    body: Readable,
    queueLimit?: number | null,
    budgetNanoUsd?: number | null,
  ) => Promise<IntakeOutcome>;
}

/** An intake over spool and catalog in memory. */
export async function intakeFixture(changed: Partial<IntakeParts> = {}): Promise<IntakeFixture> {
  const clock = new VirtualClock(1_700_000_000_000);
  const randomBytes = countingBytes();
  const catalog = createMemoryCatalog({ randomBytes, now: () => clock.now() });
  const spool = createMemorySpool();
  const control = new SpoolControl();
  const usual: IntakeParts = {
    spool: controlled(spool, control),
    catalog,
    profile: UPSTREAM_PROFILES.anthropic,
    hasBatchDiscount: true,
    clock,
    randomBytes,
    concurrentUploads: 2,
  };
  const intake = createIntake({ ...usual, ...changed });
  const terms = termsOf((await catalog.workspaces.default()).id);
  const receive: IntakeFixture['receive'] = (body, queueLimit = null, budgetNanoUsd = null) =>
    intake.receive(body, { ...terms, options: { ...terms.options, budgetNanoUsd } }, queueLimit);
  return { intake, spool, catalog, clock, control, terms, receive };
}

export function termsOf(workspaceId: WorkspaceId): BatchTerms {
  return {
    workspaceId,
    apiVersion: '2023-06-01',
    betas: [],
    userProfileId: null,
    options: { counts: 'live', markers: 'respect', budgetNanoUsd: null },
  };
}

/** Never the same twice, and the same in every run. */
function countingBytes(): RandomBytes {
  let count = 0;
  return (length) => {
    count++;
    return Uint8Array.from({ length }, (_, i) => (count >> (i * 5)) & 31);
  };
}

/** A body of `count` requests whose params are about `paramsBytes` long. */
export function bodyOf(count: number, paramsBytes = 20): Buffer {
  const text = 'x'.repeat(Math.max(0, paramsBytes - 8));
  const items = Array.from({ length: count }, (_, i) => `{"custom_id":"r-${i}","params":{"t":"${text}"}}`);
  return Buffer.from(`{"requests":[${items.join(',')}]}`);
}

/** A stream of the bytes in chunks of this size. */
export function streamOf(bytes: Uint8Array, chunkBytes: number = bytes.length): Readable {
  let from = 0;
  return new Readable({
    read() {
      if (from >= bytes.length) this.push(null);
      else this.push(Buffer.from(bytes.subarray(from, (from += chunkBytes))));
    },
  });
}

/** A stream that carries what the test pushes, when it pushes it. */
export function openStream(): Readable {
  return new Readable({ read: () => undefined });
}

/** The params of every request of a batch, in order. */
export async function storedParams(spool: Spool, batchId: BatchId): Promise<readonly string[]> {
  const log = await spool.openRequestLog(batchId);
  const params: string[] = [];
  for (let request = 0; request < log.index.count; request++) {
    params.push(Buffer.from(await log.readParams(request)).toString('utf8'));
  }
  await log.close();
  return params;
}
