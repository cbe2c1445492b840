import { atLeast, atMost, type Bench, type Figure, type Row } from '../measure/figure.ts';
import { roundRobin } from '../measure/round-robin.ts';
import { pairedRatio, spreadOf } from '../measure/spread.ts';
import type { Grouping, PrefixGrouping } from '../processes/prefix-grouping.ts';

/**
 * Finding what 100,000 requests share. The server notes that in the pass that reads and checks the body, and cannot run
 * without it; so all of that pass is in the figure, copying into the scanner's memory and the plan included.
 */
export const prefixGrouping: Figure = {
  name: 'prefix grouping',
  ids: ['P14'],
  limitSeconds: 300,
  run: measure,
};

const REQUESTS = 100_000;
const DOCUMENTS = 100;

async function measure(bench: Bench): Promise<readonly Row[]> {
  const process = bench.processes.start<PrefixGrouping>('prefix-grouping', {});
  const bytes = await process.ask('bytes');
  const found = ({ prefixes, ...times }: Grouping): Grouping => {
    if (prefixes !== DOCUMENTS) throw new Error(`${prefixes} shared prefixes were found, of ${DOCUMENTS}`);
    return { prefixes, ...times };
  };
  // Once unmeasured: the first pass compiles.
  found(await process.ask('grouped'));
  const samples = await roundRobin<'server' | 'naive', Grouping>(bench.rounds, {
    server: async () => found(await process.ask('grouped')),
    naive: async () => found(await process.ask('naive')),
  });
  return rows(samples, bytes);
}

function rows({ server, naive }: Readonly<Record<'server' | 'naive', Grouping[]>>, bytes: number): readonly Row[] {
  const rate = (all: readonly Grouping[]): number[] => all.map(({ seconds }) => bytes / 1e9 / seconds);
  const each = (all: readonly number[]): number[] => all.map((seconds) => (seconds * 1e6) / REQUESTS);
  const ratio = pairedRatio(rate(server), rate(naive));
  const baseline = { name: 'parse, stringify, SHA-256 a block', unit: 'GB/s', value: spreadOf(rate(naive)) };
  const time = (figure: string, seconds: readonly number[], goal: Row['goal']): Row => ({
    id: 'P14',
    figure,
    unit: 'µs',
    value: spreadOf(each(seconds)),
    baseline: null,
    ratio: null,
    goal,
  });
  const speed = { id: 'P14', unit: 'GB/s', value: spreadOf(rate(server)), baseline, ratio };
  const megabytes = Math.round(bytes / 1e6);
  return [
    time(
      `reading, checking, noting and planning a request, ${megabytes} MB`,
      server.map(({ seconds }) => seconds),
      atMost('value', 4),
    ),
    time(
      'of that the plan',
      server.map(({ planSeconds }) => planSeconds),
      null,
    ),
    { ...speed, figure: 'the same as a rate', goal: atLeast('value', 0.8) },
    { ...speed, figure: 'the same against digests of parsed blocks', goal: atLeast('ratio', 5) },
  ];
}
