import type {
  BatchCatalog,
  Catalog,
  ShardCatalog,
  WorkspaceCatalog,
} from '../../packages/server/src/catalog/catalog.ts';
import type { SpoolFile, SpoolFiles } from '../../packages/server/src/spool/file/spool-files.ts';
import type {
  RequestLog,
  RequestLogWriter,
  ResultLog,
  ResultReader,
  Spool,
} from '../../packages/server/src/spool/spool.ts';

/**
 * Where a process can die: before or after any call that a store or a file takes, and inside a write. The names follow
 * from the stores' types, so that a method somebody adds is a point somebody must list here, or nothing compiles.
 */
export type CrashPoint = `${'before' | 'after'} ${Effect}` | typeof TORN_WRITE;

/** A write of which only the first bytes come to the disk. */
export const TORN_WRITE = 'inside file.write';

/** A call to a store, as `store.method`. */
export type Effect = { [Name in StoreName]: `${Name}.${MethodOf<Stores[Name]>}` }[StoreName];

export type StoreName = keyof Stores;

/** Every store of a server, the catalog in its parts, and the files that the spool is made of. */
export interface Stores {
  readonly catalog: Catalog;
  readonly workspaces: WorkspaceCatalog;
  readonly batches: BatchCatalog;
  readonly shards: ShardCatalog;
  readonly spool: Spool;
  readonly writer: RequestLogWriter;
  readonly requests: RequestLog;
  readonly results: ResultLog;
  readonly reader: ResultReader;
  readonly files: SpoolFiles;
  readonly file: SpoolFile;
}

/** What answers with a promise is an effect: between asking and hearing the world can end. */
type MethodOf<Store> = Extract<
  { [Key in keyof Store]-?: Store[Key] extends (...args: never[]) => Promise<unknown> ? Key : never }[keyof Store],
  string
>;

const EFFECTS: Readonly<Record<Effect, true>> = {
  'catalog.ping': true,
  'catalog.close': true,
  'workspaces.default': true,
  'workspaces.find': true,
  'workspaces.list': true,
  'workspaces.create': true,
  'workspaces.addKey': true,
  'workspaces.findKey': true,
  'workspaces.listKeys': true,
  'workspaces.revokeKey': true,
  'workspaces.usage': true,
  'batches.create': true,
  'batches.find': true,
  'batches.account': true,
  'batches.list': true,
  'batches.cancel': true,
  'batches.setBudget': true,
  'batches.delete': true,
  'batches.deletedBatches': true,
  'batches.forgetSegments': true,
  'batches.dueForArchive': true,
  'batches.oldestUnarchived': true,
  'batches.archive': true,
  'batches.exists': true,
  'batches.tally': true,
  'shards.claim': true,
  'shards.renew': true,
  'shards.ledger': true,
  'shards.recordProgress': true,
  'shards.end': true,
  'shards.release': true,
  'shards.releaseAll': true,
  'spool.createRequestLog': true,
  'spool.openRequestLog': true,
  'spool.openResultLog': true,
  'spool.readResults': true,
  'spool.readDurableResults': true,
  'spool.settledLines': true,
  'spool.remove': true,
  'spool.list': true,
  'spool.close': true,
  'writer.append': true,
  'writer.commit': true,
  'writer.discard': true,
  'requests.readParams': true,
  'requests.readBody': true,
  'requests.close': true,
  'results.commit': true,
  'results.close': true,
  'reader.read': true,
  'reader.close': true,
  'files.open': true,
  'files.makeDirectory': true,
  'files.syncDirectory': true,
  'files.remove': true,
  'files.list': true,
  'file.read': true,
  'file.write': true,
  'file.size': true,
  'file.identity': true,
  'file.truncate': true,
  'file.datasync': true,
  'file.close': true,
};

export const CRASH_POINTS: readonly CrashPoint[] = [
  ...(Object.keys(EFFECTS) as Effect[]).flatMap((effect) => [`before ${effect}`, `after ${effect}`] as const),
  TORN_WRITE,
];

export function isEffect(name: string): name is Effect {
  return Object.hasOwn(EFFECTS, name);
}

/** What waits for a disk to have it: a slow one is slow here. */
export const SYNCS: ReadonlySet<Effect> = new Set<Effect>([
  'file.datasync',
  'files.syncDirectory',
  'batches.create',
  'batches.cancel',
  'batches.setBudget',
  'batches.delete',
  'batches.forgetSegments',
  'batches.archive',
  'shards.claim',
  'shards.recordProgress',
  'shards.end',
  'shards.release',
  'shards.releaseAll',
]);
