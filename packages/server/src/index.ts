/** The server: http → intake → (catalog, spool) → schedule → dispatch → results. */
export type { ApiKey, Catalog, NewApiKey, Workspace } from './catalog/catalog.ts';
export { openSqliteCatalog } from './catalog/sqlite/sqlite-catalog.ts';
export { loadConfig, type ConfigSources, type LoadedConfig } from './config/load-config.ts';
export { optionsHelp, optionsReference } from './config/option-text.ts';
export {
  CONFIG_ENV,
  CONFIG_FILE,
  CONFIG_FLAG,
  defaultConfig,
  ENV_PREFIX,
  OPTION_KEYS,
  optionNames,
  OPTIONS,
  type Config,
} from './config/options.ts';
export { startServer, type RunningServer } from './main.ts';
export { hashApiKey, keyHint, makeApiKey } from './runtime/api-key.ts';
