import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** A program of the machine's or of a Debian package, and what it has to be started with. */
export interface FoundProgram {
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Finds a program on the path, or takes it and what it needs from Debian packages: downloaded by apt and unpacked in
 * `directory`, so that nothing is installed and nobody has to be root. Throws with the remedy when there is neither.
 */
export function findProgram(name: string, debianPackage: string, directory: string): FoundProgram {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name));
  const here = onPath.find((path) => existsSync(path));
  if (here !== undefined) return { path: realpathSync(here), env: {} };
  const root = join(directory, debianPackage);
  if (!existsSync(root)) unpack(debianPackage, root);
  const path = filesIn(root).find((file) => file.endsWith(`/bin/${name}`));
  if (path === undefined) throw new Error(`no ${name} on the path or in Debian's ${debianPackage}; install it`);
  const libraries = filesIn(root).filter((file) => file.includes('.so.'));
  const folders = [...new Set(libraries.map((file) => dirname(file)))];
  return { path, env: { LD_LIBRARY_PATH: folders.join(delimiter) } };
}

/** The version that a program names itself; empty when it names none. */
export function versionOf({ path, env }: FoundProgram): string {
  const { stdout } = spawnSync(path, ['--version'], { env: { ...process.env, ...env }, encoding: 'utf8' });
  return /\d+\.\d+(\.\d+)?/.exec(stdout)?.[0] ?? '';
}

function unpack(debianPackage: string, root: string): void {
  // A rehearsal names everything that is missing here.
  const rehearsed = apt(['install', '--simulate', '--no-install-recommends', debianPackage]);
  const missing = [...rehearsed.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] ?? '');
  mkdirSync(root, { recursive: true });
  apt(['download', ...missing], root);
  for (const file of readdirSync(root).filter((name) => name.endsWith('.deb'))) {
    const { status, stderr } = spawnSync('dpkg', ['-x', file, root], { cwd: root, encoding: 'utf8' });
    if (status !== 0) throw new Error(`dpkg did not unpack ${file}: ${stderr}`);
  }
}

function apt(args: readonly string[], cwd?: string): string {
  const { status, error, stdout, stderr } = spawnSync('apt-get', args, { cwd, encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new Error(`apt-get ${args.join(' ')} failed; install the program yourself: ${error?.message ?? stderr}`);
}

function filesIn(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).map((name) => join(root, name));
}
