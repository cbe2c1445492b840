import type { CommandWords, OptionWords } from './command-words.ts';
import { pathText } from './shell-text.ts';

/** A completion script for fish: one line for each word. */
export function fishScript(all: readonly CommandWords[]): string {
  const lines = all.flatMap((command) => [
    ...command.commands.map(({ word, summary }) => wordLine(command, word, summary)),
    ...command.argumentChoices.map((word) => wordLine(command, word, '')),
    ...command.options.map((option) => optionLine(command, option)),
  ]);
  return `# batchwright completion for fish. In ~/.config/fish/config.fish: batchwright completion fish | source
function __batchwright_path
    set -l path
    for word in (commandline -opc)[2..-1]
        switch "$path $word"
            case ${all
              .filter(({ path }) => path.length > 0)
              .map(({ path }) => quoted(pathText(path)))
              .join(' ')}
                set path "$path $word"
        end
    end
    test "$path" = "$argv[1]"
end
${lines.join('\n')}
# After npx, words are completed as without it.
function __batchwright_npx
    set -l words (commandline -opc)
    test (count $words) -gt 1; and test $words[2] = batchwright
end
function __batchwright_npx_words
    set -l words (commandline -opc)[2..-1]
    complete -C (string join ' ' -- (string escape -- $words) (commandline -ct))
end
complete -c npx -n __batchwright_npx -f -a '(__batchwright_npx_words)'
`;
}

function condition({ path }: CommandWords): string {
  return `complete -c batchwright -n ${quoted(`__batchwright_path ${quoted(pathText(path))}`)}`;
}

function wordLine(command: CommandWords, word: string, summary: string): string {
  return `${condition(command)} -f -a ${quoted(word)}${summary === '' ? '' : ` -d ${quoted(summary)}`}`;
}

function optionLine(command: CommandWords, { flags, summary, takesValue, choices }: OptionWords): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`)).join(' ');
  const values = choices.length > 0 ? ` -x -a ${quoted(choices.join(' '))}` : takesValue ? ' -r' : '';
  return `${condition(command)} ${names} -d ${quoted(summary)}${values}`;
}

/** In single quotes fish heeds nothing but these two. */
function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
}
