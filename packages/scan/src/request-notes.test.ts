import type { RequestNotes } from '@batchwright/core';
import { describe, expect, it } from 'vitest';
import { notedRequests, scanBody, sharedScanner, zeroBytes } from './body.fixture.ts';

function bodyWith(params: readonly string[]): Uint8Array {
  const items = params.map((text, i) => `{"custom_id":"r${i}","params":${text}}`);
  return new TextEncoder().encode(`{"requests":[${items.join(',')}]}`);
}

function notes(params: readonly string[], cuts: readonly number[] = []): RequestNotes {
  const verdict = scanBody(bodyWith(params), cuts);
  if (verdict.type !== 'accepted') throw new Error(`The body was refused: ${verdict.problem.type}`);
  return notedRequests();
}

const maxTokens = (...params: readonly string[]): readonly number[] => [...notes(params).maxTokens];

describe('max_tokens is noted', () => {
  it.each([
    ['a whole number', '{"max_tokens":1024}', 1024],
    ['with space around', '{ "max_tokens" :\n 77 , "model":"m"}', 77],
    ['under a key spelled with escapes', '{"max\\u005ftokens":5}', 5],
    ['as it was given last', '{"max_tokens":5,"max_tokens":6}', 6],
    ['and forgotten when the last is none', '{"max_tokens":5,"max_tokens":"6"}', 0],
    ['zero', '{"max_tokens":0}', 0],
    ['nothing, where it is missing', '{"model":"m"}', 0],
    ['no negative number', '{"max_tokens":-5}', 0],
    ['no fraction', '{"max_tokens":1.5}', 0],
    ['no list', '{"max_tokens":[5]}', 0],
    ['no object', '{"max_tokens":{"max_tokens":5}}', 0],
    ['nothing deeper in the params', '{"messages":[{"max_tokens":5}],"tools":[{"max_tokens":5}]}', 0],
    ['up to what no answer reaches', `{"max_tokens":${'9'.repeat(31)}}`, 100_000_000],
    ['nothing of a number with more digits than any', `{"max_tokens":${'9'.repeat(32)}}`, 0],
  ])('%s', (_, params, expected) => {
    expect(maxTokens(params)).toEqual([expected]);
  });

  it('for each request by itself, wherever the body is cut', () => {
    const long = ['9'.repeat(31), '9'.repeat(32)].map((digits) => `{"max_tokens":${digits}}`);
    const params = ['{"max_tokens":12345,"model":"m"}', '{"model":"m"}', '{"model":"m","max_tokens":7}', ...long];
    const expected = [12345, 0, 7, 100_000_000, 0];
    const whole = notes(params);
    expect([...whole.maxTokens]).toEqual(expected);
    const offsets = Array.from({ length: bodyWith(params).length }, (_, offset) => offset);
    expect(offsets.filter((cut) => String(notes(params, [cut]).maxTokens) !== String(expected))).toEqual([]);
    expect(notes(params, offsets)).toEqual(whole);
  });
});

describe('the set of tools', () => {
  const withTools = (...names: readonly string[]): string =>
    `{"model":"m","tools":[${names.map((name) => `{"name":"${name}"}`).join(',')}],"system":"s"}`;

  it('is the same in every order, and another one with another tool, twice the same, or another model', () => {
    const { toolSet, toolCount } = notes([
      withTools('a', 'b', 'c'),
      withTools('c', 'a', 'b'),
      withTools('a', 'b', 'd'),
      withTools('a', 'b'),
      withTools('a', 'b', 'c', 'c'),
      withTools('a', 'b', 'c').replace('"m"', '"n"'),
      withTools(),
    ]);
    expect([...toolCount]).toEqual([3, 3, 3, 2, 4, 3, 0]);
    expect(toolSet[1]).toBe(toolSet[0]);
    expect(new Set(toolSet).size).toBe(6);
  });

  it('has no part of what follows, nor of markers', () => {
    const marked = withTools('a', 'b').replace('"name":"b"', '"name":"b","cache_control":{"type":"ephemeral"}');
    const { toolSet } = notes([withTools('a', 'b'), marked.replace('"s"', '"t"')]);
    expect(toolSet[1]).toBe(toolSet[0]);
  });
});

it('a body begun without notes has none, and the same blocks', () => {
  const body = bodyWith(['{"model":"m","max_tokens":9,"tools":[{"name":"a"}],"messages":[]}']);
  const scanner = sharedScanner();
  const [block] = scanner.blocks;
  block?.set(body);
  const hashes = (notesRequests: boolean): readonly number[] => {
    scanner.begin(zeroBytes, 0n, notesRequests);
    if (block !== undefined) scanner.feed(block.subarray(0, body.length));
    expect(scanner.finish().type).toBe('accepted');
    return [...scanner.promptBlocks().hash];
  };
  const without = hashes(false);
  expect(() => scanner.requestNotes()).toThrow('not asked for notes');
  expect(hashes(true)).toEqual(without);
  expect([...notedRequests().maxTokens]).toEqual([9]);
});
