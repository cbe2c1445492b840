import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBulkHome, type BulkHome } from './bulk-home.ts';

/** What the scripts of `batchwright completion` complete in the shells themselves, as far as those are installed. */

let home: BulkHome;

beforeAll(async () => {
  home = await openBulkHome();
  await home.write('answers.txt', '');
  await home.shell('for shell in bash zsh fish; do batchwright completion $shell > script.$shell; done');
});

afterAll(async () => {
  await home.close();
});

/** Of a line typed so far, what its last word becomes. */
const WORDS: readonly (readonly [typed: string, completed: string])[] = [
  ['batchwright results --part', '--partial'],
  ['batchwright keys cr', 'create'],
  ['batchwright run in.csv --order inp', 'input'],
  ['batchwright run in.csv --format parq', 'parquet'],
  ['batchwright run in.csv --waves o', 'off'],
  ['batchwright run in.csv --markers resp', 'respect'],
  ['batchwright run in.csv --input-format parq', 'parquet'],
  ['batchwright run in.csv --retry over', 'overloaded'],
  ['batchwright serve --log-level sil', 'silent'],
  ['npx batchwright keys cr', 'create'],
  ['npx batchwright run in.csv --order inp', 'input'],
];

const isThere = (shell: string): boolean => spawnSync(shell, ['-c', 'exit 0']).status === 0;

describe('in bash', () => {
  it.each(WORDS)('%s', async (typed, completed) => {
    const command = typed.startsWith('npx') ? '_batchwright_npx' : '_batchwright';
    const line = `COMP_WORDS=(${typed}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); ${command}; echo "\${COMPREPLY[*]}"`;
    const { code, out, err } = await home.shell(`source ./script.bash\n${line}`);
    expect([code, out, err]).toEqual([0, `${completed}\n`, '']);
  });

  it('npx completes what it did before', async () => {
    const lines = [
      '_other() { COMPREPLY=("other for $2"); }',
      'complete -o nospace -F _other npx',
      'source ./script.bash; source ./script.bash',
      'complete -p npx',
      'COMP_WORDS=(npx fo); COMP_CWORD=1; _batchwright_npx npx fo npx; echo "${COMPREPLY[*]}"',
    ];
    const { out, err } = await home.shell(lines.join('\n'));
    expect([out, err]).toEqual(['complete -o nospace -F _batchwright_npx npx\nother for fo\n', '']);
    const words = await home.shell('complete -W "a b" npx\nsource ./script.bash\ncomplete -p npx');
    expect(words.out).toBe("complete -W 'a b' npx\n");
  });
});

describe.skipIf(!isThere('fish'))('in fish', () => {
  it.each([...WORDS, ['npx answ', 'answers.txt'], ['npx batchwright submit answ', 'answers.txt']] as const)(
    '%s',
    async (typed, completed) => {
      const { code, out, err } = await home.shell(`fish -N -c "source script.fish; complete -C '${typed}'"`);
      expect([code, err]).toEqual([0, '']);
      expect(out.split('\n')[0]?.split('\t')[0]).toBe(completed);
    },
  );
});

/** A terminal in which somebody types, presses Tab, and asks what is there now. */
const ZSH = `
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'autoload -U compinit; compinit -u -D; source ./script.zsh; show() { print -r -- "<<$BUFFER>>"; }; zle -N show; bindkey "^G" show; bindkey "^U" kill-whole-line; print "REA""DY"'
zpty -r z out $'*READY*'
while IFS= read -r typed; do
  zpty -w -n z $'\\x15'"$typed"$'\\t\\x07'
  zpty -r z out $'*<<*>>*'
  print -r -- "\${\${out##*<<}%%>>*}"
done < typed
zpty -d z
`;

describe.skipIf(!isThere('zsh'))('in zsh', () => {
  it('completes all of it', async () => {
    const words = [...WORDS, ['npx answ', 'answers.txt'], ['npx batchwright submit answ', 'answers.txt']] as const;
    await home.write('zpty.zsh', ZSH);
    await home.write('typed', words.map(([typed]) => `${typed}\n`).join(''));
    const { out, err } = await home.shell('zsh -f zpty.zsh', { TERM: 'xterm' });
    expect(err).toBe('');
    const completed = words.map(([typed, word]) => `${typed.slice(0, typed.lastIndexOf(' '))} ${word}`);
    expect(out.split(/\r?\n/).map((line) => line.trimEnd())).toEqual([...completed, '']);
  });
});
