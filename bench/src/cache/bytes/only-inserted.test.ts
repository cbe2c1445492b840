import { expect, it } from 'vitest';
import { onlyInserted } from './only-inserted.ts';

const MARK = '"cache_control":{"type":"ephemeral"}';
const SENT = '{"system":"s\\u00e9","n":1.0e2,"messages":[{"content":[{"type":"text","text":"x"}]}]}';

it.each([
  ['nothing', SENT, 0],
  ['a marker on a block', SENT.replace('"text":"x"', `"text":"x",${MARK}`), 1],
  ['a text made a block', SENT.replace('"s\\u00e9"', `[{"type":"text","text":"s\\u00e9",${MARK}}]`), 1],
  ['streaming', SENT.replace(/\}$/, ',"stream":true}'), 0],
])('%s may be put in', (_, forwarded, markers) => {
  expect(onlyInserted(SENT, forwarded)).toEqual({ markers });
});

it.each([
  ['a number spelt otherwise', SENT.replace('1.0e2', '100')],
  ['an escape resolved', SENT.replace('\\u00e9', 'é')],
  ['a block without a marker', SENT.replace('"s\\u00e9"', '[{"type":"text","text":"s\\u00e9"}]')],
  ['something left out', SENT.replace('"n":1.0e2,', '')],
  ['something cut off', SENT.slice(0, -1)],
  ['anything else put in', SENT.replace(/\}$/, ',"speed":"fast"}')],
])('%s is a change', (_, forwarded) => {
  expect(onlyInserted(SENT, forwarded)).toBeNull();
});

it('a marker of the client’s that is gone is a change', () => {
  const marked = SENT.replace('"text":"x"', `"text":"x",${MARK}`);
  expect(onlyInserted(marked, SENT)).toBeNull();
});
