import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const COMPILER = fileURLToPath(new URL('../../../node_modules/typescript/bin/tsc', import.meta.url));

/**
 * The build leaves tests out, so the transition tables are compiled here: they are complete, and their
 * `@ts-expect-error` lines fail to compile should a table with a missing cell ever be accepted.
 */
it('R3 a transition table with a missing cell does not compile', () => {
  const { status, stdout } = spawnSync(process.execPath, [COMPILER, '-p', 'tsconfig.tables.json'], {
    cwd: PACKAGE,
    encoding: 'utf8',
  });
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
});
