import type { Simulator } from '@batchwright/simulator';
import type { Upstream } from './upstream.ts';

/** The simulator in the same process: no socket, and on the server's own clock. */
export function simulatedUpstream(simulator: Simulator): Upstream {
  return {
    name: 'simulated',
    isSimulated: true,
    call: (request, events) => simulator.handle(request, events),
    close: () => Promise.resolve(),
  };
}
