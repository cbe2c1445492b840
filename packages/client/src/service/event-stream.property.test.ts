import fc from 'fast-check';
import { expect, test } from 'vitest';
import { all } from './fake-api.fixture.ts';
import { eventsIn } from './event-stream.ts';

const TEXT = new TextEncoder();

async function* cut(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let position = 0;
  for (let i = 0; position < bytes.byteLength; i++) {
    const size = sizes[i % sizes.length]!;
    yield bytes.subarray(position, position + size);
    position += size;
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 });
const lineEnd = fc.constantFrom('\n', '\r\n', '\r');
const line = fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replaceAll(/[\r\n]/g, ' '));
const event = fc.record({
  event: fc.constantFrom('progress', 'ended'),
  data: fc.array(line, { minLength: 1, maxLength: 3 }),
});

test('events are what was sent, wherever their bytes are cut and however their lines end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 6 }), lineEnd, sizes, async (events, end, sizes) => {
      const lines = events.flatMap((sent, id) => [
        ': keep-alive',
        `event: ${sent.event}`,
        `id: ${id}`,
        ...sent.data.map((data) => `data: ${data}`),
        '',
      ]);
      // What follows the last line's end is an event that never came to be.
      const sent = TEXT.encode(`${lines.map((text) => text + end).join('')}data: half`);
      const expected = events.map(({ event, data }) => ({ event, data: data.join('\n') }));
      expect(await all(eventsIn(cut(sent, sizes)))).toEqual(expected);
    }),
  );
});

test.each([
  ['data:tight\n\n', [{ event: 'message', data: 'tight' }]],
  ['data\n\n', [{ event: 'message', data: '' }]],
  ['event: x\n\ndata: y\n\n', [{ event: 'message', data: 'y' }]],
  ['\n\n\n', []],
  ['retry: 5\nunknown: z\ndata: y\n\n', [{ event: 'message', data: 'y' }]],
])('%j is %j', async (text, events) => {
  expect(await all(eventsIn(cut(TEXT.encode(text), [5])))).toEqual(events);
});

test('a line without an end is given up', async () => {
  const endless = (async function* () {
    for (;;) yield new Uint8Array(64 * 1024).fill(65);
  })();
  await expect(all(eventsIn(endless))).rejects.toThrow(/over 1048576 characters/);
});
