import { Command } from 'commander';
import { expect, it } from 'vitest';
import { addOptions, ASK_OPTIONS, flagOf, INPUT_OPTIONS, type OptionText } from './input-options.ts';

it.each([INPUT_OPTIONS, ASK_OPTIONS])('is understood by the parser, under the names declared', (options) => {
  const command = addOptions(new Command(), options);
  const args = Object.values(options).flatMap((option) => [
    flagOf(option),
    ...(takesValue(option) ? ['a'] : []),
    ...(option.isRepeatable ? [flagOf(option), 'b'] : []),
  ]);
  command.parse(args, { from: 'user' });
  expect(command.opts()).toEqual(
    Object.fromEntries(
      Object.entries(options).map(([key, option]) => [
        key,
        option.isRepeatable ? ['a', 'b'] : takesValue(option) ? 'a' : true,
      ]),
    ),
  );
});

function takesValue({ flags }: OptionText): boolean {
  return flags.includes('<');
}

it('leaves what was not given undefined', () => {
  expect(addOptions(new Command(), INPUT_OPTIONS).parse([], { from: 'user' }).opts()).toEqual({});
});
