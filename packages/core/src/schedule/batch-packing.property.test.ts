import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutBatches, type WaveBatch } from './wave-batches.ts';

/** Sizes and groups of requests, and what a batch may hold of them. */
const workloads = fc
  .record({
    parents: fc.array(fc.nat(), { maxLength: 12, size: 'max' }),
    requests: fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 9 }), tokens: fc.nat(9), group: fc.nat() }), {
      maxLength: 60,
      size: 'max',
    }),
    maxRequests: fc.integer({ min: 1, max: 20 }),
    bytes: fc.integer({ min: 5, max: 60 }),
    tokens: fc.constantFrom(5, 40, Infinity),
  })
  .map(({ parents, requests, maxRequests, bytes, tokens }) => {
    const parent = Int32Array.from(parents, (number, group) => (number % (group + 1)) - 1);
    return {
      count: requests.length,
      limits: {
        maxRequests,
        maxBytes: { limit: bytes, ofRequest: requests.map((request) => request.bytes) },
        maxTokens: { limit: tokens, ofRequest: requests.map((request) => request.tokens) },
        groups: { parent, of: Int32Array.from(requests, ({ group }) => (group % (parent.length + 1)) - 1) },
      },
    };
  });
type Workload = typeof workloads extends fc.Arbitrary<infer Kind> ? Kind : never;

const cut = ({ count, limits }: Workload): WaveBatch[] =>
  cutBatches(new Uint32Array(count), new Uint8Array(count), limits);

function fitsOne({ limits }: Workload, requests: ArrayLike<number>): boolean {
  const sum = (sizes: readonly number[]): number =>
    Array.from(requests).reduce((total, request) => total + (sizes[request] ?? NaN), 0);
  const { maxRequests, maxBytes, maxTokens } = limits;
  return (
    requests.length <= maxRequests &&
    sum(maxBytes.ofRequest) <= maxBytes.limit &&
    sum(maxTokens.ofRequest) <= maxTokens.limit
  );
}

/** The requests at a group and below. */
function membersOf({ count, limits: { groups } }: Workload, group: number): number[] {
  const isIn = (inner: number): boolean => inner === group || (inner >= 0 && isIn(groups.parent[inner] ?? -1));
  return Array.from({ length: count }, (_, request) => request).filter((request) => isIn(groups.of[request] ?? -1));
}

describe('a wave cut into batches', () => {
  it('V8 has every request in one of them, in ascending order', () => {
    fc.assert(
      fc.property(workloads, (workload) => {
        const batches = cut(workload).map(({ requests }) => [...requests]);
        expect(batches.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: workload.count }, (_, r) => r));
        for (const requests of batches) expect(requests).toEqual(requests.toSorted((a, b) => a - b));
      }),
    );
  });

  it('V8 holds no more requests, bytes and tokens than a batch may, unless one alone does', () => {
    fc.assert(
      fc.property(workloads, (workload) => {
        for (const { requests } of cut(workload)) {
          expect(requests.length === 1 || fitsOne(workload, requests)).toBe(true);
        }
      }),
    );
  });

  it('V9 keeps every group together that fits a batch', () => {
    fc.assert(
      fc.property(workloads, (workload) => {
        const batches = cut(workload).map(({ requests }) => new Set(requests));
        for (let group = 0; group < workload.limits.groups.parent.length; group++) {
          const members = membersOf(workload, group);
          if (members.length === 0 || !fitsOne(workload, members)) continue;
          expect(batches.filter((batch) => members.some((member) => batch.has(member)))).toHaveLength(1);
        }
      }),
    );
  });

  it('V9 has at most twice as many batches as its bytes need, and one', () => {
    fc.assert(
      fc.property(workloads, fc.integer({ min: 9, max: 60 }), ({ count, limits }, bytes) => {
        const { ofRequest } = limits.maxBytes;
        const batches = cutBatches(new Uint32Array(count), new Uint8Array(count), {
          maxRequests: count + 1,
          maxBytes: { limit: bytes, ofRequest },
          groups: limits.groups,
        });
        const needed = ofRequest.reduce((sum, size) => sum + size, 0) / bytes;
        expect(batches.length).toBeLessThanOrEqual(2 * needed + 1);
      }),
    );
  });
});
