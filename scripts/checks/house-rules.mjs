import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Names that say nothing, or that this project has a better word for. */
const FORBIDDEN_NAME = /^(utils?|helpers?|common|misc|managers?|workers?|jobs?|tasks?)$/;

/** Files and folders whose name, or a part of it, is a forbidden word. */
export function findForbiddenNames(root) {
  const { stdout, status } = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  // Outside a git checkout (an unpacked archive) there is no list of the project's own files to judge.
  if (status !== 0) return '';
  return forbiddenNames(stdout.split('\n'))
    .map((path) => `${path}: find a name that says what it is\n`)
    .join('');
}

/** Those of the paths that have a forbidden word in them. */
export function forbiddenNames(paths) {
  return paths.filter((path) => path.split(/[/.-]/).some((word) => FORBIDDEN_NAME.test(word)));
}

/** The lock file must not name the registry it was made with: another one serves the same packages. */
export function findRegistryHosts(root) {
  const hosts = registryHosts(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return hosts
    .map((host) => `package-lock.json names ${host}; keep omit-lockfile-registry-resolved in .npmrc\n`)
    .join('');
}

/** Hosts in `resolved` entries. */
export function registryHosts(lock) {
  const hosts = [...lock.matchAll(/"resolved":\s*"(?:git\+)?[a-z]+:\/\/([^/"]+)/g)].map((match) => match[1]);
  return [...new Set(hosts)];
}
