import { readFileSync } from 'node:fs';
import process from 'node:process';

/**
 * What every peer here has in common, and no more of it than a script of one's own would have: its orders, its requests
 * in memory, and two words on standard output between which it is measured.
 */
export const { url, store, directory, concurrency } = JSON.parse(process.argv[2] ?? '{}');
/** `{ custom_id, params }` each, as the Message Batches API takes them. */
export const requests = readFileSync(`${directory}/requests.jsonl`, 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line));

/** Nobody waits for longer than this to look at what is done. */
const STAY_MS = 60_000;

/** Says that everything is loaded, works, says that it is done, and stays until it has been looked at. */
export async function run(work) {
  process.stdout.write('ready\n');
  await work();
  process.stdout.write('done\n');
  setTimeout(() => process.exit(0), STAY_MS);
}
