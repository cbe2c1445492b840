import { Command } from 'commander';
import { expect, it } from 'vitest';
import { addOptions, ASK_OPTIONS, flagOf, INPUT_OPTIONS } from './input-options.ts';

it.each([INPUT_OPTIONS, ASK_OPTIONS])('is understood by the parser, under the names declared', (options) => {
  const command = addOptions(new Command(), options);
  const args = Object.values(options).flatMap((option) => [
    flagOf(option),
    'a',
    ...(option.isRepeatable ? [flagOf(option), 'b'] : []),
  ]);
  command.parse(args, { from: 'user' });
  expect(command.opts()).toEqual(
    Object.fromEntries(
      Object.entries(options).map(([key, { isRepeatable }]) => [key, isRepeatable ? ['a', 'b'] : 'a']),
    ),
  );
});

it('leaves what was not given undefined', () => {
  expect(addOptions(new Command(), INPUT_OPTIONS).parse([], { from: 'user' }).opts()).toEqual({});
});
