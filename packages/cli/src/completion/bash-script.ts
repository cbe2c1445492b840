import type { CommandWords, OptionWords } from './command-words.ts';
import { pathText, quoted, stepCases } from './shell-text.ts';

/**
 * A completion script for bash, from version 3.2 on: no associative arrays, and nothing that bash-completion would have
 * to be installed for.
 */
export function bashScript(all: readonly CommandWords[]): string {
  return `# batchwright completion for bash. In ~/.bashrc: source <(batchwright completion bash)
_batchwright() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} reached= words= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$reached \${COMP_WORDS[i]}" in
${stepCases(all)}
    esac
  done
  case "$reached $previous" in
${all.flatMap(valueCases).join('\n')}
  esac
  case "$reached" in
${all.map(wordsCase).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _batchwright batchwright

# After npx, words are completed as without it; what npx completed before, it still does.
_batchwright_npx() {
  if [[ $COMP_CWORD -gt 1 && \${COMP_WORDS[1]} == batchwright ]]; then
    local COMP_WORDS=("\${COMP_WORDS[@]:1}") COMP_CWORD=$((COMP_CWORD - 1))
    _batchwright "$@"
  elif [[ -n $_batchwright_npx_before ]]; then
    "$_batchwright_npx_before" "$@"
  else
    COMPREPLY=()
  fi
}
_batchwright_npx_spec=$(complete -p npx 2>/dev/null)
case "$_batchwright_npx_spec" in
  *'-F _batchwright_npx '*) ;;
  *'-F '*)
    _batchwright_npx_before=\${_batchwright_npx_spec#*-F }
    _batchwright_npx_before=\${_batchwright_npx_before%% *}
    eval "\${_batchwright_npx_spec/-F $_batchwright_npx_before /-F _batchwright_npx }"
    ;;
  '') complete -o bashdefault -o default -F _batchwright_npx npx ;;
esac
unset _batchwright_npx_spec
`;
}

/** Words are joined by blanks, after one for each command, so that a path is told from what it begins with. */
/** After an option with a value come its choices, or a file's name, which is bash's own to complete. */
function valueCases({ path, options }: CommandWords): readonly string[] {
  return options.filter(({ takesValue }) => takesValue).map((option) => valueCase(path, option));
}

function valueCase(path: readonly string[], { flags, choices }: OptionWords): string {
  const patterns = flags.map((flag) => quoted(`${pathText(path)} ${flag}`)).join(' | ');
  const words = choices.length === 0 ? '' : ` COMPREPLY=($(compgen -W ${quoted(choices.join(' '))} -- "$current"));`;
  return `    ${patterns})${words} return ;;`;
}

function wordsCase({ path, commands, options, argumentChoices }: CommandWords): string {
  const flags = options.flatMap((option) => option.flags);
  const words = [...commands.map(({ word }) => word), ...argumentChoices];
  // A file's name is more likely than an option, which begins with a dash.
  const offered = words.length > 0 ? [...words, ...flags] : flags;
  const always = `words=${quoted(offered.join(' '))}`;
  if (words.length > 0) return `    ${quoted(pathText(path))}) ${always} ;;`;
  return `    ${quoted(pathText(path))}) case "$current" in -*) ${always} ;; *) return ;; esac ;;`;
}
