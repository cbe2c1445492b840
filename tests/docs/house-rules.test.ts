import { describe, expect, it } from 'vitest';
// @ts-expect-error -- plain JavaScript, since it runs before anything is built.
import * as boundaries from '../../scripts/checks/boundaries.mjs';
// @ts-expect-error -- as above.
import * as houseRules from '../../scripts/checks/house-rules.mjs';
// @ts-expect-error -- as above.
import * as pinnedVersions from '../../scripts/checks/pinned-versions.mjs';

const { forbiddenImports, importSpecifiers } = boundaries as {
  forbiddenImports(path: string, source: string): readonly string[];
  importSpecifiers(source: string): readonly string[];
};
const { forbiddenNames, registryHosts } = houseRules as {
  forbiddenNames(paths: readonly string[]): readonly string[];
  registryHosts(lock: string): readonly string[];
};
const { unpinnedIn } = pinnedVersions as { unpinnedIn(manifest: object): readonly string[] };

describe('import boundaries', () => {
  it.each([
    ['core/src/a.ts', "import { x } from '@batchwright/server';"],
    ['protocol/src/a.ts', "import type { x } from '@batchwright/core';"],
    ['simulator/src/a.ts', "export * from '@batchwright/server';"],
    ['server/src/a.ts', "import { x } from 'batchwright';"],
    ['core/src/a.ts', "import { readFile } from 'node:fs/promises';"],
    ['core/src/a.ts', "import undici from 'undici';"],
    ['server/src/a.ts', "import { x } from '@batchwright/core/batch';"],
    ['server/src/http/a.ts', "import { x } from '../../../core/src/index.ts';"],
    ['server/src/a.ts', "import { x } from './b.js';"],
    ['server/src/a.ts', "import { it } from 'vitest';"],
    ['core/src/a.ts', "const x = await import('node:fs');"],
    ['core/src/a.ts', "import {\n  a,\n  b,\n} from '@batchwright/cli';"],
    ['unheard/src/a.ts', ''],
  ])('refuse in %s: %s', (path, source) => {
    expect(forbiddenImports(path, source)).toHaveLength(1);
  });

  it.each([
    ['core/src/a.ts', "import { x } from '@batchwright/protocol';"],
    ['core/src/batch/a.ts', "import { x } from '../clock/clock.ts';"],
    ['core/src/a.test.ts', "import { it } from 'vitest';\nimport { readFileSync } from 'node:fs';"],
    ['cli/src/a.ts', "const { x } = await import('@batchwright/server');"],
    ['server/src/a.ts', "import { readFile } from 'node:fs/promises';"],
    ['core/src/a.ts', "// import x from 'node:fs';\n/* import y from 'node:fs'; */"],
    ['core/src/a.ts', "const text = 'taken from the API';"],
  ])('allow in %s: %s', (path, source) => {
    expect(forbiddenImports(path, source)).toEqual([]);
  });

  it('see every form of import', () => {
    const source = `import 'a';\nimport b from "b";\nexport { c } from 'c';\nimport type { D } from 'd';\nawait import('e');`;
    expect(importSpecifiers(source)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });
});

describe('file names', () => {
  it('may not be words that say nothing', () => {
    const paths = ['src/utils.ts', 'src/helpers/a.ts', 'src/batch-manager.ts', 'src/job.test.ts', 'src/prefix-tree.ts'];
    expect(forbiddenNames(paths)).toEqual(paths.slice(0, 4));
  });
});

describe('the lock file', () => {
  it('is searched for hosts, and folders of this project are none', () => {
    const lock = '{"a": {"resolved": "https://packages.example/a.tgz"}, "b": {"resolved": "packages/core"}}';
    expect(registryHosts(lock)).toEqual(['packages.example']);
  });
});

describe('versions of dependencies', () => {
  it.each(['^1.2.3', '~1.2.3', '*', 'latest', '>=1.0.0', '1.x', '1.2', 'file:../a', 'npm:a@^1.0.0', ''])(
    'may not be %s',
    (version) => {
      expect(unpinnedIn({ dependencies: { a: version } })).toHaveLength(1);
      expect(unpinnedIn({ devDependencies: { a: version } })).toHaveLength(1);
    },
  );

  it('may be exact, renamed, or of a peer', () => {
    const exact = { a: '1.2.3', b: '1.0.0-rc.1', c: 'npm:@x/c@0.120.0' };
    expect(unpinnedIn({ dependencies: exact, peerDependencies: { d: '^1.0.0' } })).toEqual([]);
  });
});
