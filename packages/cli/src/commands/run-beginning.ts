import { replay, type RunRecord, type RunStore } from '@batchwright/client';
import type { Host } from '../host.ts';
import { counted } from '../output/figures.ts';
import type { RunDisplay } from '../progress/run-display.ts';
import { identityOf, type BulkCommand } from './bulk-command.ts';
import { lookAtFinished, type FinishedRun } from './finished-run.ts';
import { differencesFrom, KeptRunError, removeServerData, type Differences } from './kept-run.ts';
import { restartRun } from './run-restart.ts';

/** Looks at what is kept of a run before; answers the outcome where nothing is left to do. */
export async function prepareRun(
  command: BulkCommand,
  store: RunStore,
  display: RunDisplay,
  host: Host,
): Promise<FinishedRun | null> {
  const { runDir, settings } = command;
  const record = replay(await store.readJournal());
  const identity = identityOf(command);
  if (settings.restart !== 'no') {
    const keptServer = record.begun?.identity['server'];
    const cancels = settings.restart === 'cancel';
    const { endpoint } = settings;
    await restartRun({ record, store, runDir, endpoint, keptServer, cancels, say: (line) => display.say(line) }, host);
    return null;
  }
  const differences = differencesFrom(record, identity);
  if (differences === null) return null;
  const isOther = differences.requests.length > 0;
  const isPlannedSo = differences.planning.length === 0;
  if (record.finishedAtMs !== null && !isOther) {
    const goesOn = settings.run.retryFailed === true && record.canReopen;
    if (!goesOn) return lookAtFinished(command, store, record);
    if (!isPlannedSo) throw mismatch(command, record, differences);
    knowBatches(record, display);
    return null;
  }
  if (!isOther && isPlannedSo) {
    takeUp(record, display);
    return null;
  }
  if (!mayReplace(command, record, differences, display)) throw mismatch(command, record, differences);
  await store.clear();
  await removeServerData(runDir);
  return null;
}

/** Whether the kept run may make room for this one. */
function mayReplace(command: BulkCommand, record: RunRecord, { requests }: Differences, display: RunDisplay): boolean {
  // As long as nothing was sent there is nothing that another input could not take the place of.
  if (record.finishedAtMs === null) return !record.hasSent;
  const isMoreToAsk = requests.every((name) => name === 'documents' || name === 'questions');
  if (!command.addsAnswers || !isMoreToAsk || command.output.format !== 'dir') return false;
  display.say(`Other questions or documents: answers that are in ${command.output.path} stay there.`);
  return true;
}

function takeUp(record: RunRecord, display: RunDisplay): void {
  const sent = counted(knowBatches(record, display), 'batch', 'batches');
  if (!record.hasSent) return;
  display.say(`Taking up the run begun at ${new Date(record.begun?.atMs ?? 0).toISOString()}: ${sent} sent before.`);
}

/** What happened to them is not told again; answers how many were sent. */
function knowBatches({ batches }: RunRecord, display: RunDisplay): number {
  const known = batches.map(({ plan, state }) => ({
    number: plan.number,
    isSent: 'id' in state,
    isOver: state.type === 'ended' || state.type === 'downloaded',
  }));
  display.know(known);
  return known.filter(({ isSent }) => isSent).length;
}

function mismatch({ runDir }: BulkCommand, record: RunRecord, { requests, planning }: Differences): KeptRunError {
  if (requests.length === 0) {
    const kept = record.begun?.identity ?? {};
    const said = planning.map((flag) => (kept[flag] === undefined ? `without ${flag}` : `with ${flag} ${kept[flag]}`));
    return new KeptRunError(
      `the run in ${runDir} was planned ${said.join(' and ')}, and batches of it were sent. Say the same to go on with it, or add --restart to plan anew.`,
    );
  }
  const differs = `this one differs in ${requests.join(', ')}`;
  return new KeptRunError(
    record.finishedAtMs === null
      ? `${runDir} holds another run, which is not finished: ${differs}. Name another output or --run-dir, or add --restart to begin anew in its place.`
      : `${runDir} holds another run, which is finished: ${differs}. Name another output with -o, or add --restart to put this one in its place.`,
  );
}
