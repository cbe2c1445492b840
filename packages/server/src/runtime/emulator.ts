import { VirtualClock, type Clock, type ModelTable } from '@batchwright/core';
import {
  ClockDriver,
  createControl,
  createSimulator,
  type Simulator,
  type SimulatorProfile,
} from '@batchwright/simulator';
import type { Upstream } from '../dispatch/upstream/upstream.ts';
import { simulatedUpstream } from '../dispatch/upstream/simulated-upstream.ts';
import type { Emulator } from '../http/services.ts';
import type { Activity } from './activity.ts';

/** The simulated upstream in this process, on the server's own clock, with its controls. */
export interface EmbeddedSimulator {
  readonly upstream: Upstream;
  readonly controls: Emulator;
}

const SEED = 1;

/** One clock for server and simulator: moving it over HTTP moves both, and waits for what each instant caused. */
export function embedSimulator(
  clock: Clock,
  activity: Activity,
  models: ModelTable,
  profile: SimulatorProfile,
): EmbeddedSimulator {
  const simulator = createSimulator({ clock, seed: SEED, models, profile });
  const settle = (): Promise<void> => activity.quiet();
  const driver = clock instanceof VirtualClock ? new ClockDriver(clock, simulator, settle) : null;
  const upstream = simulatedUpstream(simulator);
  return {
    upstream: driver === null ? upstream : nudging(upstream, driver),
    controls: controlsOf(simulator, clock, driver),
  };
}

/** A clock in automatic mode has to hear of each call, or it would not know that somebody waits. */
function nudging(upstream: Upstream, driver: ClockDriver): Upstream {
  return {
    ...upstream,
    call(request, events) {
      const cancel = upstream.call(request, events);
      driver.nudge();
      return cancel;
    },
  };
}

function controlsOf(simulator: Simulator, clock: Clock, driver: ClockDriver | null): Emulator {
  const control = createControl(simulator, clock, driver);
  return {
    handle(call, events) {
      let isCancelled = false;
      control.answer(call.method, call.path, call.body).then(
        ({ status, headers, body }) => {
          if (isCancelled) return;
          events.onHead(status, headers);
          events.onData(body);
          events.onEnd();
        },
        (error: unknown) => {
          if (!isCancelled) events.onFailure(error instanceof Error ? error.message : String(error), false);
        },
      );
      return () => {
        isCancelled = true;
      };
    },
  };
}
