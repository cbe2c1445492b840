/** One way to send ten thousand requests: a script in `bench/peers`, or our own command line. */
export interface Peer {
  /** As it is asked for on the command line, and as its script is called. */
  readonly id: string;
  readonly name: string;
  readonly program: 'script' | 'batchwright run';
  /** What it needs beside it. A Batchwright dies with whoever uses it in the crash; a database does not. */
  readonly store: 'redis' | 'postgres' | 'batchwright' | null;
  /** What happens when it is started once more after a crash, in a few words. */
  readonly afterCrash: string;
}

/** Everyone compared, in the order of the table. */
export const PEERS: readonly Peer[] = [
  {
    id: 'sdk-save-at-end',
    name: 'official SDK + p-limit, saved at the end',
    program: 'script',
    store: null,
    afterCrash: 'begins again',
  },
  {
    id: 'sdk-append',
    name: 'official SDK + p-limit, appended one by one',
    program: 'script',
    store: null,
    afterCrash: 'goes on, since the script looks what is there',
  },
  {
    id: 'langchain-batch',
    name: 'LangChain, ChatAnthropic.batch',
    program: 'script',
    store: null,
    afterCrash: 'begins again',
  },
  {
    id: 'bullmq-queue',
    name: 'BullMQ + Redis (AOF, synced every second)',
    program: 'script',
    store: 'redis',
    afterCrash: 'goes on; what was in flight after its lock ran out (30 s)',
  },
  {
    id: 'pg-boss-queue',
    name: 'pg-boss + PostgreSQL, a row a request',
    program: 'script',
    store: 'postgres',
    afterCrash: 'goes on; what was in flight when it expires (here 20 s, else 15 min)',
  },
  {
    id: 'batchwright-client',
    name: 'Batchwright, by the official SDK',
    program: 'script',
    store: 'batchwright',
    afterCrash: 'goes on by itself as soon as the server starts',
  },
  {
    id: 'batchwright-run',
    name: 'Batchwright, by batchwright run',
    program: 'batchwright run',
    store: 'batchwright',
    afterCrash: 'goes on by itself; the same command collects',
  },
];
