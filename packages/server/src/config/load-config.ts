import { insteadOfRefusedPort, knownModels, UPSTREAM_PROFILES } from '@batchwright/core';
import { dirname, resolve } from 'node:path';
import { parseObject, quoted, remedy } from './fault-text.ts';
import {
  CONFIG_ENV,
  CONFIG_FILE,
  CONFIG_FLAG,
  ENV_PREFIX,
  OPTIONS,
  OPTION_KEYS,
  defaultConfig,
  optionNames,
} from './options.ts';
import type { Option } from './option-kinds.ts';
import type { Config, OptionKey } from './options.ts';
import { readPrices, type PricesFile } from './prices-file.ts';

/**
 * Reads the configuration: flags over environment over config file over defaults. Whatever is wrong is told before
 * anything starts, one line per fault, each naming the thing, its value and the remedy. Secrets are never in a line.
 */

/** Where settings come from; all of it is given, so that loading is a function. */
export interface ConfigSources {
  /** Arguments after the command's name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The file's text, or null when there is none. */
  readonly readFile: (path: string) => string | null;
}

export type LoadedConfig =
  | { readonly type: 'loaded'; readonly config: Config }
  | { readonly type: 'invalid'; readonly lines: readonly string[] };

/** Loads and checks the server's configuration. */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const faults: string[] = [];
  const flags = readFlags(sources.args, faults);
  const environment = readEnvironment(sources.env, faults);
  const file = readConfigFile(flags.configPath ?? environment.configPath, sources, faults);
  const chosen = new Map([...file, ...environment.settings, ...flags.settings]);

  const config: Record<string, unknown> = { ...defaultConfig, dataDir: resolve(sources.cwd, defaultConfig.dataDir) };
  for (const [key, setting] of chosen) {
    const value = setting.read();
    if (value === undefined) faults.push(wrongValue(key, setting));
    else config[key] = isPath(key) ? resolve(setting.directory ?? sources.cwd, value as string) : value;
  }
  if (typeof config['prices'] === 'string') config['prices'] = pricesAt(config['prices'], config, sources, faults);
  const whole = config as unknown as Config;
  if (faults.length === 0) faults.push(...senseless(whole, chosen));
  return faults.length > 0 ? { type: 'invalid', lines: faults } : { type: 'loaded', config: whole };
}

const isPath = (key: OptionKey): boolean => key === 'dataDir' || key === 'prices';

function pricesAt(
  path: string,
  config: Readonly<Record<string, unknown>>,
  sources: ConfigSources,
  faults: string[],
): PricesFile {
  const profile = UPSTREAM_PROFILES[config['upstreamProfile'] as Config['upstreamProfile']];
  const content = readText(`the prices file ${path}`, path, sources, faults);
  return content === undefined ? { path, models: [] } : readPrices(path, content, knownModels(profile), faults);
}

/** Null when there is no such file; undefined, and a fault, when there is one that cannot be read. */
function readText(what: string, path: string, sources: ConfigSources, faults: string[]): string | null | undefined {
  try {
    return sources.readFile(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    faults.push(`${what} cannot be read${code}. It must be a file that this user may read.`);
    return undefined;
  }
}

/** One value somebody set, before it is judged. */
interface Setting {
  readonly read: () => unknown;
  /** The name as its source spells it: `--port`, `BATCHWRIGHT_PORT`, `"port" in /path/file`. */
  readonly name: string;
  /** The value as it may be shown. */
  readonly shown: string;
  /** Paths in a config file are relative to it. */
  readonly directory?: string;
}

type Settings = ReadonlyMap<OptionKey, Setting>;

const FLAGS = new Map(OPTION_KEYS.map((key) => [optionNames(key).flag, key]));
const ENV_NAMES = new Map(OPTION_KEYS.map((key) => [optionNames(key).env, key]));
const FILE_NAMES = new Map(OPTION_KEYS.map((key) => [optionNames(key).file, key]));
/** Read by the project's own test suites, which start servers with the environment they were given. */
const TEST_NAME = /^BATCHWRIGHT_(?:FUZZ|SIM|SKIP)_/;

function optionOf(key: OptionKey): Option<unknown> {
  return OPTIONS[key];
}

function textSetting(key: OptionKey, name: string, value: string): Setting {
  const option = optionOf(key);
  return { read: () => option.fromText(value), name, shown: option.secret ? '(hidden)' : quoted(value) };
}

function readFlags(args: readonly string[], faults: string[]): { settings: Settings; configPath: string | null } {
  const settings = new Map<OptionKey, Setting>();
  let configPath: string | null = null;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    const [name, inline] = splitFlag(arg);
    const key = FLAGS.get(name);
    if (key === undefined && name !== CONFIG_FLAG) {
      faults.push(unknownArgument(arg));
      // The word after an unknown option is most likely its value; naming it as a second fault would only confuse.
      if (arg.startsWith('-') && inline === null && args[i + 1]?.startsWith('-') === false) i++;
      continue;
    }
    const value = inline ?? args[i + 1];
    if (inline === null) i++;
    if (value === undefined || (inline === null && value.startsWith('--'))) {
      faults.push(`${name} needs a value, as in ${name} ${key === undefined ? CONFIG_FILE : optionOf(key).example}.`);
      if (value !== undefined) i--;
    } else if (key === undefined) configPath = value;
    else settings.set(key, textSetting(key, name, value));
  }
  return { settings, configPath };
}

function splitFlag(arg: string): [name: string, value: string | null] {
  const equals = arg.indexOf('=');
  return equals < 0 || !arg.startsWith('--') ? [arg, null] : [arg.slice(0, equals), arg.slice(equals + 1)];
}

function unknownArgument(arg: string): string {
  const [name] = splitFlag(arg);
  if (!name.startsWith('-'))
    return `serve takes options only, and ${quoted(arg)} is none. See batchwright serve --help.`;
  return `${name} is not an option of serve.${remedy(name, [...FLAGS.keys(), CONFIG_FLAG], 'See batchwright serve --help.', '--')}`;
}

function readEnvironment(
  env: ConfigSources['env'],
  faults: string[],
): { settings: Settings; configPath: string | null } {
  const settings = new Map<OptionKey, Setting>();
  for (const [name, value] of Object.entries(env)) {
    // An empty variable counts as unset: compose files and CI systems cannot help but pass them.
    if (!name.startsWith(ENV_PREFIX) || value === undefined || value === '' || TEST_NAME.test(name)) continue;
    if (name === CONFIG_ENV) continue;
    const key = ENV_NAMES.get(name);
    if (key === undefined) {
      const known = [...ENV_NAMES.keys(), CONFIG_ENV];
      faults.push(
        `${name} is set, but no option has that name.${remedy(name, known, 'Unset it, or see batchwright serve --help.', ENV_PREFIX)}`,
      );
    } else settings.set(key, textSetting(key, name, value));
  }
  return { settings, configPath: env[CONFIG_ENV] === undefined || env[CONFIG_ENV] === '' ? null : env[CONFIG_ENV] };
}

function readConfigFile(named: string | null, sources: ConfigSources, faults: string[]): Settings {
  const path = resolve(sources.cwd, named ?? CONFIG_FILE);
  const content = readText(`the config file ${path}`, path, sources, faults);
  if (content === undefined) return new Map();
  if (content === null) {
    if (named !== null) faults.push(`the config file ${path} does not exist. Create it, or leave ${CONFIG_FLAG} out.`);
    return new Map();
  }
  const parsed = parseObject(content);
  if (typeof parsed === 'string') {
    faults.push(`${path} ${parsed}. It must hold one JSON object, as in {"port": 4180}.`);
    return new Map();
  }
  return fileSettings(parsed, path, faults);
}

function fileSettings(parsed: Readonly<Record<string, unknown>>, path: string, faults: string[]): Settings {
  const settings = new Map<OptionKey, Setting>();
  for (const [name, value] of Object.entries(parsed)) {
    if (name === '$schema') continue;
    const key = FILE_NAMES.get(name);
    if (key === undefined) {
      faults.push(`${quoted(name)} in ${path} is not an option.${remedy(name, [...FILE_NAMES.keys()], 'Remove it.')}`);
      continue;
    }
    const option = optionOf(key);
    settings.set(key, {
      read: () => option.fromJson(value),
      name: `"${name}" in ${path}`,
      shown: option.secret ? '(hidden)' : quoted(value),
      directory: dirname(path),
    });
  }
  return settings;
}

function wrongValue(key: OptionKey, setting: Setting): string {
  const option = optionOf(key);
  return `${setting.name} is ${setting.shown}, but must be ${option.expects}. Example: ${option.example}`;
}

/** Settings that make no sense together, not in this version, or to nobody who would call the server. */
function senseless(config: Config, chosen: Settings): readonly string[] {
  const faults: string[] = [];
  const name = (key: OptionKey): string => chosen.get(key)?.name ?? optionNames(key).file;
  const otherPort = insteadOfRefusedPort(config.port);
  if (otherPort !== null) {
    faults.push(
      `${name('port')} is ${quoted(String(config.port))}, a port that browsers and the fetch of the SDKs refuse to connect to. Choose another, such as ${otherPort}.`,
    );
  }
  if (config.databaseUrl !== null) {
    faults.push(
      `${name('databaseUrl')} is set, but PostgreSQL is not available in this version. Unset it; data is kept in data_dir.`,
    );
  }
  if (config.clock === 'virtual' && config.upstream.type !== 'simulated') {
    faults.push(
      `${name('clock')} is "virtual", but ${name('upstream')} is ${config.upstream.baseUrls.join(',')}: only the simulated upstream can live in virtual time. Set upstream to simulated, or clock to real.`,
    );
  }
  if (config.simulatorProfile !== 'real' && config.upstream.type !== 'simulated') {
    faults.push(
      `${name('simulatorProfile')} is "${config.simulatorProfile}", but ${name('upstream')} is ${config.upstream.baseUrls.join(',')}, whose pace is its own. Set upstream to simulated, or unset the profile.`,
    );
  }
  const twice = config.upstream.type === 'messages' ? repeated(config.upstream.baseUrls) : null;
  if (twice !== null) {
    faults.push(
      `${name('upstream')} names ${twice} more than once. Name each replica once; a trailing /v1 is ignored.`,
    );
  }
  if (config.upstreamApiKey !== null && config.upstream.type === 'simulated') {
    faults.push(
      `${name('upstreamApiKey')} is set, but the upstream is simulated and takes no key. Set ${optionNames('upstream').env} to the base URL the key belongs to, or unset the key.`,
    );
  }
  return faults;
}

function repeated(values: readonly string[]): string | null {
  return values.find((value, i) => values.indexOf(value) !== i) ?? null;
}
