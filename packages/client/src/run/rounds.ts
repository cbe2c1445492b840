import { follow } from './follower.ts';
import { cancelUnderWay } from './cancellation.ts';
import { planRound } from './replanning.ts';
import type { RunState } from './run-state.ts';
import { Sender, type SendingEnd } from './sender.ts';
import type { Strands } from './strands.ts';

/**
 * Drives a run round by round: a round is over when all its batches are, and those of its requests that are worth another
 * try make the next one. `strands` runs what goes on at once; its stop is the run's.
 */
export async function driveRounds(run: RunState, strands: Strands): Promise<SendingEnd> {
  const { journal, table, settings } = run;
  if (journal.record.isCanceled) await cancelUnderWay(run);
  for (;;) {
    const end = await driveRound(run, strands);
    if (end.type !== 'over') return end;
    if (journal.record.isCanceled) {
      await settleWhatThereIs(run);
      return end;
    }
    const again = table.requestsToRetry();
    if (again.length === 0) return end;
    await planRound(run, again);
    settings.reached('round_planned');
  }
}

/** Nothing more is sent, so the best result of each request is the last word, another try being planned or not. */
async function settleWhatThereIs({ table, intake }: RunState): Promise<void> {
  for (let request = 0; request < table.count; request++) {
    if (!table.isSettled(request) && table.place(request) !== null) await intake.settle(request);
  }
}

async function driveRound(run: RunState, strands: Strands): Promise<SendingEnd> {
  const following = new Set<number>();
  const begin = (batch: number): void => {
    following.add(batch);
    const followed = follow(run, batch, run.settings.detach).finally(() => {
      following.delete(batch);
      run.news.tell();
    });
    strands.add(followed);
  };
  for (const { plan, state } of run.journal.record.batches) {
    if (state.type === 'sent' || state.type === 'ended') begin(plan.number);
  }
  let end: SendingEnd = { type: 'over' };
  const sender = new Sender(run, following, begin);
  strands.add(
    sender.sendAll().then((reason) => {
      end = reason;
    }),
  );
  await strands.rest();
  return end;
}
