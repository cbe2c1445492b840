import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseReplica, homeOf, loadBound, replicaSeed } from './replica-choice.ts';

const names = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `http://gpu-${i}:8000`);
const seedsOf = (count: number): readonly number[] => names(count).map(replicaSeed);

const key = fc.nat(2 ** 31 - 1).chain((high) => fc.nat(2 ** 22 - 1).map((low) => high * 2 ** 22 + low));
const affinity = fc.option(key, { nil: null });

/** Some loads, and which replicas are open. */
const loads = fc.integer({ min: 1, max: 16 }).chain((count) =>
  fc.record({
    seeds: fc.constant(seedsOf(count)),
    inFlight: fc.array(fc.nat(20), { minLength: count, maxLength: count }),
    open: fc.array(fc.boolean(), { minLength: count, maxLength: count }),
  }),
);

type Loads = typeof loads extends fc.Arbitrary<infer Value> ? Value : never;
const choose = (by: number | null, { seeds, inFlight, open }: Loads, turn = 0): number =>
  chooseReplica(by, { seeds, inFlight, isOpen: (replica) => open[replica] ?? false }, turn);

describe('H5 the replica a call goes to', () => {
  it('H5 is its key’s home as long as that has room, wherever else there were more', () => {
    fc.assert(
      fc.property(key, loads, (by, { seeds, inFlight }) => {
        const open = seeds.map(() => true);
        const home = homeOf(by, seeds);
        const total = inFlight.reduce((sum, load) => sum + load, 1);
        const hasRoom = (inFlight[home] as number) < loadBound(total, seeds.length);
        expect(choose(by, { seeds, inFlight, open }) === home).toBe(hasRoom);
      }),
    );
  });

  it('H5 is open if any is', () => {
    fc.assert(
      fc.property(affinity, loads, fc.nat(15), (by, at, turn) => {
        const chosen = choose(by, at, turn);
        expect(chosen).toBeGreaterThanOrEqual(0);
        expect(chosen).toBeLessThan(at.seeds.length);
        if (at.open.includes(true)) expect(at.open[chosen]).toBe(true);
      }),
    );
  });

  it('H5 is chosen as if all were open when none is', () => {
    fc.assert(
      fc.property(affinity, loads, (by, at) => {
        const [all, none] = [true, false].map((state) => at.seeds.map(() => state));
        expect(choose(by, { ...at, open: none as boolean[] })).toBe(choose(by, { ...at, open: all as boolean[] }));
      }),
    );
  });

  it('H5 without a key is one with the least under way, equals in turn', () => {
    fc.assert(
      fc.property(loads, fc.nat(15), ({ seeds, inFlight }, turn) => {
        const open = seeds.map(() => true);
        const chosen = choose(null, { seeds, inFlight, open }, turn);
        expect(inFlight[chosen]).toBe(Math.min(...inFlight));
      }),
    );
    const idle = { seeds: seedsOf(3), inFlight: [0, 0, 0], open: [true, true, true] };
    expect([0, 1, 2, 3].map((turn) => choose(null, idle, turn))).toEqual([0, 1, 2, 0]);
  });
});

describe('H6 the bound on a replica’s load', () => {
  it('H6 is a quarter above the mean, rounded up', () => {
    expect([1, 3, 4, 12, 13, 48].map((total) => loadBound(total, 3))).toEqual([1, 2, 2, 5, 6, 20]);
  });

  it('H6 is never exceeded by a choice, whatever comes and goes', () => {
    const event = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ type: fc.constant('call' as const), by: fc.option(fc.nat(5), { nil: null }) }),
      },
      { weight: 2, arbitrary: fc.record({ type: fc.constant('end' as const), which: fc.nat(1000) }) },
      { weight: 1, arbitrary: fc.record({ type: fc.constant('turn' as const), which: fc.nat(7) }) },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(event, { maxLength: 120 }), (count, events) => {
        const seeds = seedsOf(count);
        const inFlight = seeds.map(() => 0);
        const open = seeds.map(() => true);
        const calls: number[] = [];
        for (const [turn, step] of events.entries()) {
          if (step.type === 'turn') open[step.which % count] = !(open[step.which % count] as boolean);
          else if (step.type === 'end' && calls.length > 0) {
            const [replica] = calls.splice(step.which % calls.length, 1) as [number];
            inFlight[replica] = (inFlight[replica] as number) - 1;
          } else if (step.type === 'call') {
            const chosen = choose(step.by, { seeds, inFlight, open }, turn);
            inFlight[chosen] = (inFlight[chosen] as number) + 1;
            calls.push(chosen);
            const among = open.includes(true) ? open : seeds.map(() => true);
            const total = inFlight.reduce((sum, load, i) => sum + ((among[i] ?? false) ? load : 0), 0);
            const openCount = among.filter(Boolean).length;
            expect(inFlight[chosen]).toBeLessThanOrEqual(loadBound(total, openCount));
          }
        }
      }),
    );
  });
});

describe('H7 a replica that goes', () => {
  it('H7 moves no home but of the keys that were at home there', () => {
    fc.assert(
      fc.property(
        fc.array(key, { minLength: 1, maxLength: 50 }),
        fc.integer({ min: 2, max: 16 }),
        fc.nat(15),
        (keys, count, which) => {
          const seeds = seedsOf(count);
          const gone = which % count;
          const left = seeds.filter((_, replica) => replica !== gone);
          for (const by of keys) {
            const [before, after] = [seeds[homeOf(by, seeds)], left[homeOf(by, left)]];
            if (before !== seeds[gone]) expect(after).toBe(before);
          }
        },
      ),
    );
  });

  it('H7 spreads its keys over all that stay', () => {
    const seeds = seedsOf(4);
    const left = seeds.slice(1);
    const moved = Array.from({ length: 4000 }, (_, i) => i * 1e9 + 7).filter((by) => homeOf(by, seeds) === 0);
    const counts = left.map((_, replica) => moved.filter((by) => homeOf(by, left) === replica).length);
    for (const count of counts) expect(count / moved.length).toBeCloseTo(1 / 3, 1);
  });

  it('H7 by being closed moves keys as if it were not there', () => {
    fc.assert(
      fc.property(key, fc.integer({ min: 2, max: 16 }), (by, count) => {
        const seeds = seedsOf(count);
        const home = homeOf(by, seeds);
        const open = seeds.map((_, replica) => replica !== home);
        const left = seeds.filter((_, replica) => replica !== home);
        const inFlight = seeds.map(() => 0);
        expect(seeds[choose(by, { seeds, inFlight, open })]).toBe(left[homeOf(by, left)]);
      }),
    );
  });

  it('H7 the order in which replicas are listed means nothing', () => {
    fc.assert(
      fc.property(key, fc.shuffledSubarray([...seedsOf(8)], { minLength: 8 }), (by, shuffled) => {
        expect(shuffled[homeOf(by, shuffled)]).toBe(seedsOf(8)[homeOf(by, seedsOf(8))]);
      }),
    );
  });
});

it('H8 keys are at home everywhere alike', () => {
  for (const count of [2, 3, 8, 16]) {
    const seeds = seedsOf(count);
    const homes = seeds.map(() => 0);
    // Both halves of a key count: hashes differ in both, and keys counted up differ in the last bits only.
    for (let i = 0; i < 8000; i++) {
      const home = homeOf(i % 2 === 0 ? i : i * 2 ** 32 + 5, seeds);
      homes[home] = (homes[home] as number) + 1;
    }
    for (const share of homes) expect((share / 8000) * count).toBeGreaterThan(0.85);
    for (const share of homes) expect((share / 8000) * count).toBeLessThan(1.15);
  }
});
