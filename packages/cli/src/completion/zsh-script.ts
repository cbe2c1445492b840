import type { CommandWords, OptionWords } from './command-words.ts';
import { pathText, quoted, stepCases } from './shell-text.ts';

/** A completion script for zsh, to be sourced or put on `fpath` as `_batchwright`. */
export function zshScript(all: readonly CommandWords[]): string {
  return `#compdef batchwright
# batchwright completion for zsh. In ~/.zshrc, after compinit: source <(batchwright completion zsh)
_batchwright() {
  # Not called path: that is another name of PATH to zsh.
  local reached= word
  local -i i
  local -a commands
  for ((i = 2; i < CURRENT; i++)); do
    word=\${words[i]}
    case "$reached $word" in
${stepCases(all)}
    esac
  done
  case "$reached" in
${all.map(commandCase).join('\n')}
  esac
}
# After npx, words are completed as without it; what npx completed before, it still does.
_batchwright_npx() {
  if (( CURRENT > 2 )) && [[ \${words[2]} == batchwright ]]; then
    shift words
    (( CURRENT-- ))
    _batchwright "$@"
  else
    \${_batchwright_npx_before:-_default} "$@"
  fi
}
[[ \${_comps[npx]-} == _batchwright_npx ]] || typeset -g _batchwright_npx_before=\${_comps[npx]-}
compdef _batchwright batchwright
compdef _batchwright_npx npx
# Loaded from fpath, this file is itself called to complete, the first time.
[[ \${funcstack[1]-} != _batchwright ]] || _batchwright "$@"
`;
}

function commandCase({ path, commands, options, argumentChoices }: CommandWords): string {
  const specs = options.flatMap(optionSpecs);
  const choices = commands.length > 0 ? commands.map(({ word }) => word) : argumentChoices;
  const rest = choices.length > 0 ? `*: :(${choices.join(' ')})` : '*: :_files';
  const described = commands.map(({ word, summary }) => quoted(`${escaped(word)}:${escaped(summary)}`)).join(' ');
  const describe =
    commands.length === 0
      ? ''
      : `\n      commands=(${described})\n      [[ $PREFIX != -* ]] && _describe command commands && return`;
  return `    ${quoted(pathText(path))})${describe}
      _arguments -S ${[...specs, rest].map(quoted).join(' \\\n        ')}
      ;;`;
}

function optionSpecs({ flags, summary, takesValue, choices }: OptionWords): readonly string[] {
  const value = choices.length > 0 ? `: :(${choices.join(' ')})` : ': :_files';
  return flags.map((flag) => `*${flag}[${summaryText(summary)}]${takesValue ? value : ''}`);
}

function summaryText(summary: string): string {
  return summary.replaceAll(/[[\]\\:]/g, '\\$&');
}

function escaped(text: string): string {
  return text.replaceAll(/[\\:]/g, '\\$&');
}
