import process from 'node:process';

/** Prints how many answers a queue holds, asked of its database. */
const { store } = JSON.parse(process.argv[2] ?? '{}');
process.stdout.write(`${store.type === 'redis' ? await inRedis() : await inPostgres()}\n`);
process.exit(0);

async function inRedis() {
  const { Queue } = await import('bullmq');
  return new Queue('requests', { connection: { host: '127.0.0.1', port: store.port } }).getCompletedCount();
}

async function inPostgres() {
  const { default: PgBoss } = await import('pg-boss');
  const boss = new PgBoss({ connectionString: store.url, supervise: false, schedule: false, migrate: false });
  await boss.start();
  const [upToCompleted, before] = [
    await boss.getQueueSize('requests', { before: 'cancelled' }),
    await boss.getQueueSize('requests', { before: 'completed' }),
  ];
  return upToCompleted - before;
}
