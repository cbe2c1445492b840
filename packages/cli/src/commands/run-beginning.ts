import { access } from 'node:fs/promises';
import { replay, runBatch, type RunRecord, type RunStore } from '@batchwright/client';
import { STANDARD_OUTPUT } from '../answers/answer-format.ts';
import type { Host } from '../host.ts';
import { counted } from '../output/figures.ts';
import type { RunDisplay } from '../progress/run-display.ts';
import { identityOf, type BulkCommand } from './bulk-command.ts';
import { differencesFrom, KeptRunError, removeServerData } from './kept-run.ts';
import type { RunOutcome } from './run-outcome.ts';
import { restartRun } from './run-restart.ts';

/** Looks at what is kept of a run before; answers the outcome where nothing is left to do. */
export async function prepareRun(
  command: BulkCommand,
  store: RunStore,
  display: RunDisplay,
  host: Host,
): Promise<RunOutcome | null> {
  const { runDir, settings, output } = command;
  const record = replay(await store.readJournal());
  if (settings.restart !== 'no') {
    const keptServer = record.begun?.identity['server'];
    const cancels = settings.restart === 'cancel';
    const { endpoint } = settings;
    await restartRun({ record, store, runDir, endpoint, keptServer, cancels, say: (line) => display.say(line) }, host);
    return null;
  }
  const differences = differencesFrom(record, identityOf(command));
  if (differences === null) return null;
  if (differences.length === 0) {
    if (record.finishedAtMs === null) return takeUp(record, display);
    await clearFinished(command, store);
    return { type: 'already_finished', atMs: record.finishedAtMs, hasOutput: await isThere(output.path) };
  }
  // As long as nothing was sent there is nothing that another input could not take the place of.
  if (record.hasSent || record.finishedAtMs !== null) throw mismatch(command, record, differences);
  await store.clear();
  await removeServerData(runDir);
  return null;
}

function takeUp({ batches, begun, hasSent }: RunRecord, display: RunDisplay): null {
  const known = batches.map(({ plan, state }) => ({
    number: plan.number,
    isSent: 'id' in state,
    isOver: state.type === 'ended' || state.type === 'downloaded',
  }));
  display.know(known);
  const sent = counted(known.filter(({ isSent }) => isSent).length, 'batch', 'batches');
  if (hasSent)
    display.say(`Taking up the run begun at ${new Date(begun?.atMs ?? 0).toISOString()}: ${sent} sent before.`);
  return null;
}

/** A crash may have come between the note that the run was finished and the removal of what it needed. */
async function clearFinished(command: BulkCommand, store: RunStore): Promise<void> {
  const run = runBatch([], { store, identity: identityOf(command) });
  await run.settle();
  await run.close();
  await removeServerData(command.runDir);
}

function mismatch({ runDir }: BulkCommand, record: RunRecord, differences: readonly string[]): KeptRunError {
  const what = record.finishedAtMs === null ? 'another run, which is not finished' : 'another run, which is finished';
  return new KeptRunError(
    `${runDir} holds ${what}: this one differs in ${differences.join(', ')}. Name another output or --run-dir, or add --restart to begin anew in its place.`,
  );
}

async function isThere(path: string): Promise<boolean> {
  if (path === STANDARD_OUTPUT) return true;
  return access(path).then(
    () => true,
    () => false,
  );
}
