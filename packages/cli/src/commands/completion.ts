import type { Command } from 'commander';
import { bashScript } from '../completion/bash-script.ts';
import { commandWords, type CommandWords, type OptionWords } from '../completion/command-words.ts';
import { fishScript } from '../completion/fish-script.ts';
import { zshScript } from '../completion/zsh-script.ts';
import { EXIT_OK } from '../host.ts';
import type { Host } from '../host.ts';

/** Shells that there is a script for. */
export type Shell = 'bash' | 'zsh' | 'fish';

const SCRIPTS: Readonly<Record<Shell, (all: readonly CommandWords[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** Prints a script that completes every command and option there is. */
export async function completion(shell: Shell, program: Command, host: Host): Promise<number> {
  const all = await Promise.all(
    commandWords(program).map(async (each) => (isServe(each) ? withServerOptions(each) : each)),
  );
  host.out(SCRIPTS[shell](all));
  return EXIT_OK;
}

/** `serve` reads its options itself, so that the parser knows none of them. */
function isServe({ path }: CommandWords): boolean {
  return path.length === 1 && path[0] === 'serve';
}

async function withServerOptions(serve: CommandWords): Promise<CommandWords> {
  const { CONFIG_FLAG, OPTION_KEYS, optionNames, OPTIONS } = await import('@batchwright/server');
  const option = (flag: string, summary: string, choices: readonly string[]): OptionWords => ({
    flags: [flag],
    summary,
    takesValue: true,
    choices,
  });
  const own = OPTION_KEYS.map((key) => {
    const { prose, expects } = OPTIONS[key];
    return option(optionNames(key).flag, firstSentence(prose), wordsOf(expects));
  });
  return { ...serve, options: [...own, option(CONFIG_FLAG, 'a file of options', [])] };
}

/** Of `one of real, virtual`. */
function wordsOf(expects: string): readonly string[] {
  return /^one of (.+)$/.exec(expects)?.[1]?.split(', ') ?? [];
}

function firstSentence(prose: string): string {
  return prose.split(/\. |\.$/)[0] ?? prose;
}
