/**
 * Drives one bulk run from its input to its output, for `run` and `ask` alike. The client's engine does the work and
 * keeps the journal; here is what is around it: where the run is kept, which API it talks to, signals, progress, and the
 * output, which is written when everything is settled and before the run is noted as finished. A crash in between writes
 * it again, and sends nothing again.
 */
import { replay, runBatch, type BulkRun, type RunEnd, type RunReport, type RunStore } from '@batchwright/client';
import { openFileStore } from '@batchwright/client/node';
import { openAnswerWriter } from '../answers/answer-output.ts';
import { openEndpoint, type EmbeddedTerms, type Endpoint } from '../endpoint/endpoint.ts';
import type { EndpointChoice } from '../endpoint/endpoint-choice.ts';
import { EXIT_INTERRUPTED, type Host } from '../host.ts';
import type { InputNote } from '../input/input-note.ts';
import { openDisplay, type RunDisplay } from '../progress/run-display.ts';
import { untilStopSignal } from '../stop-signal.ts';
import { identityOf, type BulkCommand } from './bulk-command.ts';
import { removeRun, removeServerData, serverDirectory } from './kept-run.ts';
import { prepareRun } from './run-beginning.ts';
import { explainFailure } from './run-failure.ts';
import { tellOutcome, type RunOutcome } from './run-outcome.ts';

/** Runs it, tells how it went, and answers the exit code. */
export async function driveRun(command: BulkCommand, host: Host): Promise<number> {
  const display = openDisplay(command.settings, host);
  try {
    const outcome = await outcomeOf(command, display, host);
    return tellOutcome(outcome, command, display, host);
  } catch (error) {
    const failure = explainFailure(error);
    if (failure === null) throw error;
    display.end('stays');
    for (const line of failure.lines) display.warn(line);
    display.event({ type: 'ended', outcome: 'failed', exit_code: failure.exitCode, message: failure.lines.join('\n') });
    return failure.exitCode;
  }
}

async function outcomeOf(command: BulkCommand, display: RunDisplay, host: Host): Promise<RunOutcome> {
  const { runDir } = command;
  const store = await openFileStore(runDir);
  try {
    const finished = await prepareRun(command, store, display, host);
    return finished ?? (await new RunDrive(command, store, display, host).run());
  } catch (error) {
    // Nothing is sent before all input was read and found sound: until then there is nothing to take up, and once it is
    // mended the same command starts anew.
    if (replay(await store.readJournal()).prepared === null) await removeRun(store, runDir);
    throw error;
  } finally {
    await store.close();
  }
}

/** As often as anything that shows it can want to know. */
const LOOK_MS = 100;

class RunDrive {
  readonly #command: BulkCommand;
  readonly #store: RunStore;
  readonly #display: RunDisplay;
  readonly #host: Host;
  readonly #stop = new AbortController();
  readonly #tell = ({ type, text }: InputNote): void =>
    type === 'warning' ? this.#display.warn(text) : this.#display.say(text);
  #run: BulkRun | null = null;

  constructor(command: BulkCommand, store: RunStore, display: RunDisplay, host: Host) {
    this.#command = command;
    this.#store = store;
    this.#display = display;
    this.#host = host;
  }

  async run(): Promise<RunOutcome> {
    void untilStopSignal(this.#host, EXIT_INTERRUPTED).then(() => this.#interrupted());
    const { settings, prices, runDir } = this.#command;
    const terms = { dataDir: serverDirectory(runDir), prices: prices.file };
    const endpoint = await this.#open(settings.endpoint, terms);
    if (endpoint === null) return { type: 'left_early' };
    try {
      this.#greet(endpoint);
      const outcome = await this.#runOn(endpoint);
      if (outcome.type === 'finished') await endpoint.close();
      if (outcome.type === 'finished') await removeServerData(runDir);
      return outcome;
    } finally {
      await endpoint.close();
    }
  }

  /** Null when a signal came before it was there. */
  async #open(choice: EndpointChoice, terms: EmbeddedTerms): Promise<Endpoint | null> {
    try {
      return await openEndpoint(choice, terms, this.#host, this.#stop.signal);
    } catch (error) {
      if (this.#stop.signal.aborted) return null;
      throw error;
    }
  }

  #greet({ service, isEmbedded }: Endpoint): void {
    const { source, output, runDir, settings } = this.#command;
    if (settings.endpoint.type === 'simulated') {
      this.#display.say(
        settings.endpoint.isAskedFor ? `As asked, ${SIMULATED}` : `No server and no key: ${SIMULATED} ${REMEDY}`,
      );
    }
    this.#display.event({
      type: 'started',
      input: source.name,
      output: output.path,
      run_dir: runDir,
      server: service.name,
      is_simulated: isEmbedded,
    });
  }

  async #runOn(endpoint: Endpoint): Promise<RunOutcome> {
    const { source, settings, prices, judge } = this.#command;
    const { reached } = this.#host;
    const run = runBatch(source.requests(this.#tell), {
      ...settings.run,
      service: endpoint.service,
      store: this.#store,
      identity: identityOf(this.#command),
      models: prices.models,
      signal: this.#stop.signal,
      ...(judge !== null && { judge }),
      ...(reached !== undefined && { reached }),
    });
    this.#run = run;
    const look = setInterval(() => this.#display.show(run.progress, source.progress), LOOK_MS);
    try {
      return await this.#outcomeOf(run, await this.#followed(run), endpoint);
    } finally {
      clearInterval(look);
      await run.close();
    }
  }

  async #followed(run: BulkRun): Promise<RunEnd> {
    const { onResult } = this.#command;
    if (onResult !== null) for await (const result of run) onResult(result, this.#display);
    const end = await run.settle();
    this.#display.show(run.progress, this.#command.source.progress);
    return end;
  }

  async #outcomeOf(run: BulkRun, end: RunEnd, endpoint: Endpoint): Promise<RunOutcome> {
    const about = { server: endpoint.service.name, isEmbedded: endpoint.isEmbedded, batches: run.progress.batches };
    switch (end.type) {
      case 'settled':
        return (await this.#writeOutput(run)) ? finishedBy(end.report) : { type: 'left', report: end.report, ...about };
      case 'left':
        return { type: 'left', report: end.report, ...about };
      case 'over_budget':
        return { ...end, ...about };
      case 'already_finished':
        throw new Error('a run that was finished is not run');
      default:
        return end satisfies never;
    }
  }

  /** Writes all answers and lets go of the run; false when a signal came before they were all there. */
  async #writeOutput(run: BulkRun): Promise<boolean> {
    const { output, settings, judge, source } = this.#command;
    this.#host.reached?.('before_output');
    const { escapesFormulas } = settings;
    const writer = await openAnswerWriter(output.path, output.format, {
      isStructured: judge !== null,
      escapesFormulas,
    });
    try {
      for await (const result of run.results(settings.order)) {
        if (this.#stop.signal.aborted) return false;
        await writer.write(result);
      }
      await writer.finish();
    } finally {
      await writer.discard();
    }
    this.#host.reached?.('output_written');
    await run.finish();
    this.#display.show(run.progress, source.progress);
    return true;
  }

  #interrupted(): void {
    const { cancelsOnInterrupt } = this.#command.settings;
    if (cancelsOnInterrupt && this.#run !== null) {
      this.#display.say('Canceling what is under way; once more to leave at once.');
      // What fails about it, the run itself will meet and tell.
      this.#run.cancel().catch(() => undefined);
    } else this.#stop.abort();
  }
}

const SIMULATED = 'answers come from the simulated model, on this machine.';
const REMEDY = 'Set ANTHROPIC_API_KEY, or name a server with --server, for real ones.';

function finishedBy(report: RunReport): RunOutcome {
  return { type: 'finished', report };
}
