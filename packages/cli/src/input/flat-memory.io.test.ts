import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createGzip } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type InputDirectory, inputDirectory } from './input.fixture.ts';
import { openRequestSource } from './open-request-source.ts';

let dir: InputDirectory;

beforeEach(async () => {
  dir = await inputDirectory();
});
afterEach(async () => dir.remove());

const MEGABYTE = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heldBytes(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Writes lines until there are so many bytes; a block of them at a time. */
async function writeTable(name: string, megabytes: number, head: string, line: string, tail: string): Promise<number> {
  const block = line.repeat(Math.ceil(MEGABYTE / line.length));
  const file = createWriteStream(join(dir.path, name));
  const out = name.endsWith('.gz') ? createGzip({ level: 1 }) : file;
  if (out !== file) out.pipe(file);
  out.write(head);
  for (let written = 0; written < megabytes; written++) if (!out.write(block)) await once(out, 'drain');
  out.end(tail);
  await once(file, 'close');
  return (block.length / line.length) * megabytes;
}

const TEXT = 'some words that go on for a while, '.repeat(12);
const REQUEST = `{"custom_id":"a","params":{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"${TEXT}"}]}}`;
const TEMPLATE = { model: 'm', prompt: 'Classify: {{text}}' };

it.each([
  { name: 'a.jsonl', megabytes: 64, head: '', line: `${REQUEST}\n`, tail: '', options: {} },
  { name: 'a.jsonl.gz', megabytes: 64, head: '', line: `{"text":"${TEXT}"}\n`, tail: '', options: TEMPLATE },
  { name: 'a.json', megabytes: 32, head: '{"requests":[', line: `${REQUEST},\n`, tail: `${REQUEST}]}`, options: {} },
  { name: 'a.csv', megabytes: 24, head: 'id,text\n', line: `1,"${TEXT}"\n`, tail: '', options: TEMPLATE },
])('reads $megabytes MB of $name without holding them', async ({ name, megabytes, head, line, tail, options }) => {
  const lines = await writeTable(name, megabytes, head, line, tail);
  const source = await openRequestSource(name, options, dir.host);
  let requests = 0;
  // Buffers of what came before may be freed only after a while, so growth is counted from the least that was held.
  let least = Infinity;
  let grown = 0;
  for await (const _request of source.requests()) {
    requests++;
    if (requests % 5000 !== 0) continue;
    const held = heldBytes();
    least = Math.min(least, held);
    grown = Math.max(grown, held - least);
  }
  expect(requests).toBe(lines + (tail === '' ? 0 : 1));
  expect(grown / MEGABYTE).toBeLessThan(8);
});
