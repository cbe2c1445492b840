import type { Command, Option } from 'commander';
import { VALUE_WORDS } from './value-words.ts';

/** What can be typed after a command, as its parser knows it. */
export interface CommandWords {
  /** The words that lead to it: empty for the program itself, `['keys', 'create']`. */
  readonly path: readonly string[];
  readonly summary: string;
  readonly commands: readonly WordText[];
  readonly options: readonly OptionWords[];
  /** The words its argument may be; empty: any, and most are files. */
  readonly argumentChoices: readonly string[];
}

export interface WordText {
  readonly word: string;
  readonly summary: string;
}

export interface OptionWords {
  /** As typed: `-o` and `--output`. */
  readonly flags: readonly string[];
  readonly summary: string;
  readonly takesValue: boolean;
  /** The values it may have; empty: any. */
  readonly choices: readonly string[];
}

/** The program and all commands below it, from the parser itself: what it takes is what is completed. */
export function commandWords(program: Command): readonly CommandWords[] {
  return wordsBelow(program, []);
}

function wordsBelow(command: Command, path: readonly string[]): readonly CommandWords[] {
  // Help itself as a command, which the parser adds unasked, is left out: --help is there already.
  const { commands } = command;
  const own: CommandWords = {
    path,
    summary: command.description(),
    commands: commands.map((each) => ({ word: each.name(), summary: each.description() })),
    options: command.createHelp().visibleOptions(command).map(optionWords),
    argumentChoices: command.registeredArguments[0]?.argChoices ?? [],
  };
  return [own, ...commands.flatMap((each) => wordsBelow(each, [...path, each.name()]))];
}

function optionWords(option: Option): OptionWords {
  return {
    flags: [option.short, option.long].filter((flag) => flag !== undefined),
    summary: option.description,
    takesValue: option.required || option.optional,
    choices: option.argChoices ?? VALUE_WORDS[option.long ?? ''] ?? [],
  };
}
