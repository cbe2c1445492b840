import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { addClientCommands } from './client-commands.ts';
import type { AdministrationOptions } from './commands/administration.ts';
import type { KeyRequest } from './commands/keys.ts';
import type { SimulateOptions } from './commands/simulate.ts';
import type { Done } from './done.ts';
import { EXIT_MISUSED, EXIT_OK } from './host.ts';
import type { Host } from './host.ts';

/** Parses the command line and runs what it names; answers the exit code. */
export async function runProgram(argv: readonly string[], host: Host): Promise<number> {
  let exitCode = EXIT_OK;
  const program = createProgram(host, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version were asked for and leave with 0; anything else the parser throws is a misuse it has explained.
    return error.exitCode === 0 ? EXIT_OK : EXIT_MISUSED;
  }
}

/** All commands with their options; actions are loaded when they run. */
export function createProgram(host: Host, done: Done): Command {
  const program = new Command('batchwright')
    .description('The Message Batches API, self-hosted.')
    .version(version(), '-v, --version')
    .exitOverride()
    .showHelpAfterError('(--help tells more)')
    .configureOutput({
      writeOut: (text) => host.out(text),
      writeErr: (text) => host.err(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'batchwright: ')),
    });
  addClientCommands(program, host, done);
  addServe(program, host, done);
  addSimulate(program, host, done);
  addKeys(program, host, done);
  addWorkspaces(program, host, done);
  return program;
}

/** `serve` reads its options itself (see `main.ts`), so the parser hands everything on untouched. */
function addServe(program: Command, host: Host, done: Done): void {
  program
    .command('serve')
    .description('run the server; its options: batchwright serve --help')
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false)
    .action(async (_options: unknown, command: Command) => {
      const { serve } = await import('./commands/serve.ts');
      done(await serve(command.args, host));
    });
}

function addSimulate(program: Command, host: Host, done: Done): void {
  program
    .command('simulate')
    .description('run the simulated upstream alone: /v1/messages and /v1/messages/batches without a model')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on, 0 for any', '4181')
    .option('--seed <number>', 'the same seed gives the same answers', '1')
    .option('--clock <clock>', 'real, or virtual: time moves by POST /sim/clock only', 'real')
    .option('--profile <profile>', 'how fast it answers: real or instant', 'real')
    .option(
      '--cache-visibility <when>',
      'when a cached prefix can be read: first_byte, completion or allocation, perhaps +<milliseconds>',
      'first_byte',
    )
    .option('--cache-loss <share>', 'how many reads miss all the same, 0 to 1', '0')
    .option('--cache-refresh <what>', 'what a hit keeps alive: path or exact', 'path')
    .option('--batch-cache <how>', 'whether batches and calls have caches of their own: separate or shared', 'separate')
    .option('--intra-batch <how>', 'what items of one native batch see of each other: isolated or visible', 'isolated')
    .option('--batch-latency <ms>', 'how long a native batch waits before it runs (default: 1000, or 0 if instant)')
    .option('--batch-parallelism <number>', 'how many items of one native batch run at once', '100')
    .action(async (options: SimulateOptions) => {
      const { simulate } = await import('./commands/simulate.ts');
      done(await simulate(options, host));
    });
}

function addKeys(program: Command, host: Host, done: Done): void {
  const keys = program.command('keys').description('make, list and revoke API keys, also while a server runs');
  administrative(keys.command('create'))
    .description('make a key and print it, this once')
    .option('--workspace <name>', 'the workspace it belongs to, by name or id (default: the default workspace)')
    .option('--name <name>', 'what to call it')
    .option('--expires <duration>', 'when it ends: 90m, 12h, 30d, 2w (default: never)')
    .action(async (options: KeyRequest & AdministrationOptions) => {
      const [{ withCatalog }, { createKey }] = await Promise.all([administration(), keyCommands()]);
      done(await withCatalog(options, host, (catalog) => createKey(catalog, options, host)));
    });
  administrative(keys.command('list'))
    .description('list keys by what they begin and end with')
    .action(async (options: AdministrationOptions) => {
      const [{ withCatalog }, { listKeys }] = await Promise.all([administration(), keyCommands()]);
      done(await withCatalog(options, host, (catalog) => listKeys(catalog, options, host)));
    });
  administrative(keys.command('revoke'), 'no json')
    .description('refuse a key from now on')
    .argument('<id>', 'the key’s id, as keys list shows it')
    .action(async (id: string, options: AdministrationOptions) => {
      const [{ withCatalog }, { revokeKey }] = await Promise.all([administration(), keyCommands()]);
      done(await withCatalog(options, host, (catalog) => revokeKey(catalog, id, host)));
    });
}

function addWorkspaces(program: Command, host: Host, done: Done): void {
  const workspaces = program.command('workspaces').description('make and list workspaces, which share nothing');
  administrative(workspaces.command('create'))
    .description('make a workspace and print its id')
    .argument('<name>', 'what to call it')
    .action(async (name: string, options: AdministrationOptions) => {
      const [{ withCatalog }, { createWorkspace }] = await Promise.all([administration(), workspaceCommands()]);
      done(await withCatalog(options, host, (catalog) => createWorkspace(catalog, name, options, host)));
    });
  administrative(workspaces.command('list'))
    .description('list workspaces')
    .action(async (options: AdministrationOptions) => {
      const [{ withCatalog }, { listWorkspaces }] = await Promise.all([administration(), workspaceCommands()]);
      done(await withCatalog(options, host, (catalog) => listWorkspaces(catalog, options, host)));
    });
}

function administrative(command: Command, json: 'json' | 'no json' = 'json'): Command {
  command.option('--data-dir <path>', 'the server’s data directory (default: as the server finds it)');
  return json === 'json' ? command.option('--json', 'print JSON') : command;
}

const administration = async () => import('./commands/administration.ts');
const keyCommands = async () => import('./commands/keys.ts');
const workspaceCommands = async () => import('./commands/workspaces.ts');

function version(): string {
  const { version: text } = createRequire(import.meta.url)('../package.json') as { readonly version: string };
  return text;
}
