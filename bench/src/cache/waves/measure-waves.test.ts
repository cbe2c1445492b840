import { describe, expect, it } from 'vitest';
import { gridPrompts } from '../prompts/grids.ts';
import { SONNET_4_5 } from '../workloads/models.ts';
import { W1_GRID } from '../workloads/shared-documents.ts';
import { measureWaves, type WaveResult } from './measure-waves.ts';
import { WAVE_CASES, type WaveCase } from './wave-cases.ts';
import { waveVerdicts } from './wave-lines.ts';

const CASE: WaveCase = {
  ...SONNET_4_5,
  id: 'W17/test',
  title: 'three questions',
  prompts: () => gridPrompts(W1_GRID, SONNET_4_5.model),
  waveUsd: 0,
  efficiency: 0.999,
};

describe('three questions on one document in waves, as reckoned by hand', () => {
  const result = measureWaves(CASE);

  it('one writes at 2, two read at 0.1, and a wave later', () => {
    expect(result.bound.cost).toBe(1248 * 2 + 2496 * 0.1 + 36);
    expect(result.ours).toMatchObject({ waves: 2, written: 1248, read: 2496, input: 36, efficiency: 1 });
    expect(result.ours.usd).toBeCloseTo(0.010_922_4, 9);
    expect(result.isAsPredicted).toBe(true);
  });

  it('one batch with the client’s markers writes three times and reads nothing, and costs more than none', () => {
    const [none, marked] = result.others;
    expect(none).toMatchObject({ waves: 1, written: 0, read: 0, input: 3780 });
    expect(marked).toMatchObject({ waves: 1, written: 3744, read: 0, input: 36 });
    expect(marked!.usd).toBeGreaterThan(none!.usd);
  });
});

it('ten minutes that are worth a dollar take a wave out of W3, and cost 56 cents', () => {
  const [apart, sooner] = ['W17/W3', 'W17/sooner'].map((id) =>
    measureWaves(WAVE_CASES.find((each) => each.id === id)!),
  );
  expect([apart!.ours.waves, sooner!.ours.waves]).toEqual([3, 2]);
  expect([apart!.ours.usd.toFixed(2), sooner!.ours.usd.toFixed(2)]).toEqual(['62.11', '62.67']);
  expect([apart!.isAsPredicted, sooner!.isAsPredicted]).toEqual([true, true]);
});

it('the verdict names what missed, and a case that gives up tokens for time is not judged', () => {
  const result = measureWaves(CASE);
  const worse: WaveResult = { ...result, ours: { ...result.ours, efficiency: 0.9 } };
  expect(waveVerdicts([result])[0]?.verdict).toBe('met');
  expect(waveVerdicts([result, worse])).toMatchObject([{ verdict: 'missed', because: 'W17/test 0.9000' }]);
  expect(waveVerdicts([{ ...worse, case: { ...CASE, efficiency: null } }])).toEqual([]);
});
