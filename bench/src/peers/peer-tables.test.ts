import { describe, expect, it } from 'vitest';
import type { FullRun } from './full-run.ts';
import { PEERS, type Peer } from './peer.ts';
import { peerTables, type PeerResults } from './peer-tables.ts';

const [peer] = PEERS as [Peer];
const run = (perSecond: number): FullRun => ({
  perSecond,
  cpu: { own: 100, beside: 20 },
  memory: { own: 300, beside: 50 },
});
const results = (changes: Partial<PeerResults>): PeerResults => ({
  peer,
  instant: [],
  slow: [],
  crash: null,
  faults: [],
  ...changes,
});

describe('tables of the comparison', () => {
  it('show the median with its spread, and what runs beside a peer as part of the whole', () => {
    const [instant] = peerTables([results({ instant: [run(1000), run(3000), run(2000)] })]);
    expect(instant?.rows).toEqual([[peer.name, '2 000 [1 000..3 000]', '120', '20.0', '350', '50.0']]);
  });

  it('keep the row of a peer that failed, and say so in every cell', () => {
    for (const { headings, rows } of peerTables([results({ faults: ['no Redis'] })])) {
      expect(rows).toEqual([[peer.name, ...headings.slice(1).map(() => 'not measured')]]);
    }
  });

  it('count as lost what was answered and is not there any more', () => {
    const crash = { answered: 5010, kept: 4000, repeated: 1266, secondsToFinish: 4.5 };
    const [, , table] = peerTables([results({ crash })]);
    expect(table?.rows[0]?.slice(1, 6)).toEqual(['5 010', '4 000', '1 010', '1 266', '4.50 s']);
  });
});
