import { describe, expect, it } from 'vitest';
import { documentsAndQuestions } from '../prefix/prompts.fixture.ts';
import { planOf, settle, use, type Settled } from './ledger.fixture.ts';
import { hitShare, writeAmplification } from './ledger-figures.ts';
import { PrefixAccount } from './prefix-account.ts';

const ONE_DOC = planOf(documentsAndQuestions(1, 4, { document: 2000, question: 10 }));
const LEADS = { role: 'leader', reason: 'leads' } as const;
const FOLLOWS = { role: 'follower', reason: 'warm' } as const;
const WRITES = { inputTokens: 10, write5mTokens: 2000 };
const READS = { inputTokens: 10, readTokens: 2000 };
const NEITHER = { inputTokens: 2010 };

const answer = (request: number, tokens: Settled['tokens'], as?: Settled['as']): Settled =>
  as === undefined ? { request, tokens } : { request, tokens, as };

describe('M5 what had to be written', () => {
  it('M5 is each prefix once, whoever wrote it and in whatever order the answers came', () => {
    const writer = answer(2, WRITES);
    const readers = [0, 1, 3].map((request) => answer(request, READS));
    for (const order of [
      [writer, ...readers],
      [...readers, writer],
    ]) {
      const sum = settle(ONE_DOC, order);
      expect(sum).toMatchObject({ sharedTokens: 8000, leastTokens: 2000 });
      expect([writeAmplification(sum), hitShare(sum)]).toEqual([1, 1]);
    }
  });

  it('M5 counts what lies above once for all below it', () => {
    const system = { text: 'system', tokens: 4000 };
    const plan = planOf(
      documentsAndQuestions(2, 2, { document: 2000, question: 10 }).map((prompt) => [system, ...prompt]),
    );
    const sum = settle(plan, [
      answer(0, { write5mTokens: 6000 }),
      answer(1, { readTokens: 6000 }),
      answer(2, { write5mTokens: 2000, readTokens: 4000 }),
      answer(3, { readTokens: 6000 }),
    ]);
    expect(sum).toMatchObject({ sharedTokens: 24_000, leastTokens: 8000 });
    expect([writeAmplification(sum), hitShare(sum)]).toEqual([1, 1]);
  });

  it('M5 is the same when the log is read again from the middle', () => {
    const answers = [answer(3, WRITES), answer(0, READS), answer(1, WRITES), answer(2, READS)];
    const whole = new PrefixAccount(ONE_DOC, 'full');
    const shares = answers.map(({ request, tokens }) => whole.settled(request, use(tokens)));
    for (let kept = 0; kept <= answers.length; kept++) {
      const again = new PrefixAccount(ONE_DOC, 'full');
      for (const { request } of answers.slice(0, kept)) again.restore(request);
      const rest = answers.slice(kept).map(({ request, tokens }) => again.settled(request, use(tokens)));
      const money = rest.map(({ outcome: _, ...share }) => share);
      expect(money).toEqual(shares.slice(kept).map(({ outcome: _, ...share }) => share));
    }
  });

  it('M5 is nothing where nothing is shared', () => {
    const plan = planOf([[{ text: 'a', tokens: 5000 }], [{ text: 'b', tokens: 5000 }]]);
    const sum = settle(plan, [answer(0, { write5mTokens: 5000 }), answer(1, { write5mTokens: 5000 })]);
    expect(sum).toMatchObject({ sharedTokens: 0, leastTokens: 0, coldRequests: 0 });
    expect([writeAmplification(sum), hitShare(sum)]).toEqual([null, null]);
    expect(sum.warmUpCostNanoUsd).toBe(sum.plainCostNanoUsd + 2 * (5000 * 3750 + 15_000));
  });

  it('M5 leaves out what clients mark behind it', () => {
    const prompts = documentsAndQuestions(1, 2, { document: 2000, question: 500 }, '5m').map(([doc, own]) => [
      doc!,
      { ...own!, mark: '5m' as const },
    ]);
    const sum = settle(planOf(prompts, { markers: 'respect' }), [
      answer(0, { write5mTokens: 2500 }, LEADS),
      answer(1, { write5mTokens: 500, readTokens: 2000 }, FOLLOWS),
    ]);
    expect(sum).toMatchObject({ sharedTokens: 4000, leastTokens: 2000, coldRequests: 1, hitRequests: 1 });
  });
});

describe('M6 why something was written', () => {
  it.each([
    ['the first of its prefix is cold', LEADS, WRITES, 'cold'],
    ['one that reads has hit', FOLLOWS, READS, 'hit'],
    ['one that went beside a silent leader was early', { role: 'leader', reason: 'gate_timeout' }, WRITES, 'not_ready'],
    ['one that did not wait was early', { role: 'follower', reason: 'not_worth_waiting' }, WRITES, 'not_ready'],
    ['one that did not wait and read has hit', { role: 'follower', reason: 'not_worth_waiting' }, READS, 'hit'],
    ['one that should have read is unexplained', FOLLOWS, WRITES, 'unexplained'],
    ['one that neither read nor wrote is below the minimum', LEADS, NEITHER, 'below_minimum'],
  ] as const)('M6 %s', (_, as, tokens, outcome) => {
    const account = new PrefixAccount(ONE_DOC, 'full');
    account.taken({ request: 0, ...as });
    expect(account.settled(0, use(tokens)).outcome).toBe(outcome);
  });

  it('M6 a prefix that was warm before and is led again had expired', () => {
    const account = new PrefixAccount(ONE_DOC, 'full');
    account.taken({ request: 0, ...LEADS });
    account.warmed(0);
    account.taken({ request: 1, ...LEADS });
    expect(account.settled(1, use(WRITES)).outcome).toBe('expired');
    expect(account.settled(0, use(WRITES)).outcome).toBe('cold');
  });

  it('M6 after a restart only the first of a prefix is known to be cold', () => {
    const account = new PrefixAccount(ONE_DOC, 'full');
    expect(account.settled(0, use(WRITES)).outcome).toBe('cold');
    expect(account.settled(1, use(WRITES)).outcome).toBe('unexplained');
    expect(account.settled(2, use(READS)).outcome).toBe('hit');
  });

  it('M6 a miss is written twice and read by nobody', () => {
    const sum = settle(ONE_DOC, [
      answer(0, WRITES, LEADS),
      answer(1, WRITES, FOLLOWS),
      answer(2, READS, FOLLOWS),
      answer(3, READS, FOLLOWS),
    ]);
    expect(sum).toMatchObject({ coldRequests: 1, unexplainedRequests: 1, hitRequests: 2 });
    expect(writeAmplification(sum)).toBe(2);
    expect(hitShare(sum)).toBeCloseTo(4000 / 6000, 10);
  });
});

it('M7 what another batch had written need not be written, and all can be read', () => {
  const sum = settle(
    ONE_DOC,
    [0, 1, 2, 3].map((request) => answer(request, READS, FOLLOWS)),
  );
  expect([writeAmplification(sum), hitShare(sum)]).toEqual([null, 1]);
});

describe('M9 an upstream that does not tell', () => {
  const engine = planOf(documentsAndQuestions(1, 4, { document: 2000, question: 10 }), { profile: 'ignored' });

  it('M9 of writes has the reads held against the plan', () => {
    const sum = settle(
      engine,
      [answer(0, NEITHER), answer(1, READS), answer(2, NEITHER), answer(3, READS)],
      'read_only',
    );
    expect(sum.sharedTokens).toBe(6000);
    expect(writeAmplification(sum)).toBeNull();
    expect(hitShare(sum)).toBeCloseTo(4000 / 6000, 10);
    expect(sum.coldRequests + sum.belowMinimumRequests + sum.unexplainedRequests).toBe(0);
  });

  it('M9 of anything has no figures', () => {
    const sum = settle(engine, [answer(0, NEITHER), answer(1, NEITHER)], 'none');
    expect([sum.sharedTokens, writeAmplification(sum), hitShare(sum)]).toEqual([0, null, null]);
  });
});
