import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readPrompt } from './prompt.ts';
import { isReachable } from './remote-source.ts';
import { cutToTokens, pdfPages, textTokens } from './tokens.ts';

const user = (content: unknown): object => ({ role: 'user', content });
const marker = { type: 'ephemeral' };

test('blocks are read in rendering order: tools, system, messages', () => {
  const prompt = readPrompt(
    {
      messages: [user('hello')],
      system: [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ],
      tools: [{ name: 't' }],
    },
    1,
  );
  expect(prompt.blocks.map((block) => block.tier)).toEqual(['tools', 'system', 'system', 'messages']);
  expect(prompt.tokens).toBe(prompt.blocks.reduce((sum, block) => sum + block.tokens, 0));
});

test('markers are no part of tokens or hash; everything else is', () => {
  const hashOf = (params: object): number => readPrompt({ ...params }, 1).hash;
  const plain = { tools: [{ name: 't', input_schema: {} }], system: 's', messages: [user('hello')] };
  const marked = {
    tools: [{ name: 't', input_schema: {}, cache_control: marker }],
    system: [{ type: 'text', text: 's', cache_control: marker }],
    messages: [user([{ type: 'text', text: 'hello', cache_control: marker }])],
  };
  expect(hashOf(marked)).toBe(hashOf(plain));
  expect(readPrompt(marked, 1).tokens).toBe(readPrompt(plain, 1).tokens);
  expect(hashOf({ ...plain, messages: [{ role: 'assistant', content: 'hello' }] })).not.toBe(hashOf(plain));
  expect(hashOf({ ...plain, system: 't' })).not.toBe(hashOf(plain));
  expect(hashOf({ ...plain, messages: [user('hello'), user('')] })).not.toBe(hashOf(plain));
});

test('blocks that are rendered otherwise have other hashes, however alike what they count', () => {
  const source = { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' };
  const text = { type: 'text', media_type: 'text/plain', data: 'x' };
  const blocks = [
    { type: 'image', source },
    { type: 'image', source: { ...source, media_type: 'image/jpeg' } },
    { type: 'image', source: { ...source, data: 'iVBORw0KGg==' } },
    { type: 'document', source: text },
    { type: 'document', source: text, title: 'a' },
    { type: 'document', source: text, context: 'a' },
    { type: 'document', source: { ...text, data: 'y' } },
    { type: 'document', source: { type: 'content', content: 'x' } },
    { type: 'document', source: { type: 'content', content: [{ type: 'text', text: 'y' }] } },
    { type: 'text', text: 'x' },
    { type: 'text', text: 'x', citations: [{ cited_text: 'a' }] },
    { type: 'tool_use', id: 'a', name: 'x', input: {} },
    { type: 'text', text: '{"type":"tool_use","id":"a","name":"x","input":{}}' },
  ];
  const hashes = blocks.map((block) => readPrompt({ messages: [user([block])] }, 1).blocks[0]?.hash);
  expect(new Set(hashes).size).toBe(blocks.length);
  const marked = blocks.map((block) => ({ ...block, cache_control: marker }));
  expect(marked.map((block) => readPrompt({ messages: [user([block])] }, 1).blocks[0]?.hash)).toEqual(hashes);
});

test('a directive sets its own block only', () => {
  const directive = '@@sim{"tokens":5000}@@ a document';
  const prompt = readPrompt(
    {
      messages: [
        user([
          { type: 'text', text: directive },
          { type: 'text', text: 'why?' },
        ]),
      ],
    },
    1,
  );
  expect(prompt.blocks.map((block) => block.tokens)).toEqual([5000, 1]);
  expect(prompt.directive).toEqual({});
  expect(prompt.question).toBe('why?');
  expect(readPrompt({ messages: [user(directive)] }, 1).question).toBe(' a document');
  expect(readPrompt({ messages: [user('@@sim{"tokens":}@@')] }, 1).tokens).toBe(5);
});

test('a picture in a tool result counts as a picture and not as its base64', () => {
  const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'A'.repeat(100_000) } };
  const result = { type: 'tool_result', tool_use_id: 'x', content: [{ type: 'text', text: 'seen' }, image] };
  const { tokens, attachments } = readPrompt({ messages: [user([result])] }, 1);
  expect(tokens).toBeGreaterThan(1600);
  expect(tokens).toBeLessThan(1700);
  expect(attachments).toHaveLength(1);
});

test('pages of a PDF are those it declares, by count where its objects are compressed, and one at least', () => {
  const pages = (text: string): number => pdfPages(Buffer.from(text).toString('base64'));
  expect(pages('/Type /Page /Type/Page>> /Type /Pages')).toBe(2);
  expect(pages('/Type /Pages /Count 12 ')).toBe(12);
  expect(pages('nothing in the open')).toBe(1);
});

test('a cut text has just the tokens asked for, and no half characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(20), (text, tokens) => {
      const cut = cutToTokens(text, tokens);
      expect(text.startsWith(cut)).toBe(true);
      expect(Buffer.from(cut).toString('utf8')).toBe(cut);
      expect(textTokens(cut)).toBe(Math.min(tokens, textTokens(text)));
    }),
  );
});

test.each([
  ['https://example.com/a.png', true],
  ['http://8.8.8.8/a', true],
  ['https://[2606:4700::1]/a', true],
  ['https://a.invalid/x', false],
  ['https://A.INVALID./x', false],
  ['http://intranet/x', false],
  ['http://10.0.0.1/', false],
  ['http://0x7f000001/', false],
  ['http://172.20.1.1/', false],
  ['http://[::1]/', false],
  ['http://[fe80::1]/', false],
  ['file:///etc/passwd', false],
  ['//example.com/a', false],
  ['', false],
])('whether %s could be opened from outside: %s', (address, expected) => {
  expect(isReachable(address)).toBe(expected);
});
