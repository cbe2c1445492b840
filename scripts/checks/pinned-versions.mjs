import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Versions that are one version. A range would let an installation without our lock file run code that nobody here has seen. */
const EXACT = /^(?:npm:@?[\w./-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/;
const KINDS = ['dependencies', 'devDependencies', 'optionalDependencies'];

/** Dependencies of the root and of every package that are not pinned to one version. Peers are ranges by nature. */
export function findUnpinnedVersions(root) {
  const packages = readdirSync(join(root, 'packages')).map((name) => join('packages', name, 'package.json'));
  return ['package.json', ...packages]
    .flatMap((path) =>
      unpinnedIn(JSON.parse(readFileSync(join(root, path), 'utf8'))).map((found) => `${path}: ${found}`),
    )
    .map((line) => `${line}; name one version\n`)
    .join('');
}

/** Names and ranges of what a manifest does not pin. */
export function unpinnedIn(manifest) {
  return KINDS.flatMap((kind) => Object.entries(manifest[kind] ?? {}))
    .filter(([, version]) => !EXACT.test(version))
    .map(([name, version]) => `${name} is ${version}`);
}
