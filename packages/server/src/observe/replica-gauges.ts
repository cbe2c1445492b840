import type { ReplicaView } from '../dispatch/upstream/upstream-pool.ts';
import type { Sample } from './exposition.ts';
import type { Metrics } from './metrics.ts';

/** Beyond so many replicas their metrics would be more lines than all others together, and none is told apart. */
export const MOST_REPLICAS_SHOWN = 16;

/** What each replica of the upstream is doing, where there are several, but not too many to show. */
export function registerReplicaGauges(metrics: Metrics, replicas: () => readonly ReplicaView[]): void {
  if (replicas().length > MOST_REPLICAS_SHOWN) return;
  const samples = (value: (replica: ReplicaView) => number): Sample[] =>
    replicas().map((replica) => ({ labels: { replica: replica.name }, value: value(replica) }));
  metrics.gauge({
    name: 'batchwright_replica_in_flight',
    help: 'Calls under way at each replica of the upstream.',
    read: () => samples(({ inFlight }) => inFlight),
  });
  metrics.gauge({
    name: 'batchwright_replica_passed_over',
    help: '1 for each replica that failed and gets no calls but trials.',
    read: () => samples(({ isDown }) => Number(isDown)),
  });
  metrics.gauge({
    name: 'batchwright_replica_answers_total',
    type: 'counter',
    help: 'Answers of each replica by status, and connections that failed.',
    read: () =>
      replicas().flatMap(({ name: replica, answers }) =>
        Object.entries(answers).map(([answer, value]) => ({ labels: { replica, class: answer }, value })),
      ),
  });
}
