import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBulkHome, type BulkHome, type TestApi } from './bulk-home.ts';
import { requestLine, requestLines } from './bulk-requests.ts';

/** What people do to a run from outside, and what they hear of it. */
let home: BulkHome;
beforeEach(async () => {
  home = await openBulkHome();
});
afterEach(() => home.close());

describe('a run whose batch was deleted behind its back', () => {
  const COMMAND = ['run', 'prompts.jsonl', '-o', 'answers.jsonl'];

  const withDeleted = async (): Promise<TestApi> => {
    const api = await home.startSimulator();
    await home.write('prompts.jsonl', requestLines('r', 4));
    const left = await home.run([...COMMAND, '--detach'], { env: api.env });
    expect(left.code, left.err).toBe(3);
    const [batch] = await api.batches();
    const watched = await home.run(['watch', batch!.id], { env: api.env });
    expect(watched.code, watched.err).toBe(0);
    const deleted = await home.run(['delete', batch!.id], { env: api.env });
    expect(deleted.code, deleted.err).toBe(0);
    return api;
  };

  it('is forgotten when that is said twice, and no sooner', async () => {
    const api = await withDeleted();
    const refused = await home.run([...COMMAND, '--restart'], { env: api.env });
    expect([refused.code, refused.err]).toEqual([
      2,
      expect.stringMatching(
        /^batchwright: http:\S+ knows no batch msgbatch_\w+ of the run in answers\.jsonl\.run: it was deleted, or .*, or add --cancel-old to forget it\.\n$/,
      ),
    ]);
    const anew = await home.run([...COMMAND, '--restart', '--cancel-old'], { env: api.env });
    expect(anew.code, anew.err).toBe(0);
    expect((await home.results('answers.jsonl')).length).toBe(4);
  });
});

describe('a run that is finished', () => {
  it('is not forgotten for the sake of one that cannot begin', async () => {
    const command = ['run', 'prompts.jsonl', '-o', 'answers.jsonl'];
    const api = await home.startSimulator();
    await home.write('prompts.jsonl', requestLines('r', 4));
    const done = await home.run(command, { env: api.env });
    expect(done.code, done.err).toBe(0);
    api.process.kill('SIGTERM');
    await api.process.ended;
    const refused = await home.run([...command, '--restart'], { env: api.env });
    expect(refused.code, refused.err).not.toBe(0);
    const again = await home.run(command, { env: api.env });
    expect([again.code, again.err]).toEqual([0, expect.stringMatching(/^Already finished at /)]);
  });
});

describe('a cap on cost', () => {
  it('for a model without a price is refused in the words of the command', async () => {
    await home.write('prompts.jsonl', requestLine('r-1', 'x', { model: 'my-model' }));
    const { code, err, out } = await home.run(
      ['run', 'prompts.jsonl', '-o', 'answers.jsonl', '--max-cost', '1', '--json', '--server', 'simulated'],
      {},
    );
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(/batchwright: --max-cost: some requests name a model without a known price.*--prices/),
    ]);
    expect(out.trimEnd().split('\n').at(-1)).toContain('"type":"ended"');
  });
});
