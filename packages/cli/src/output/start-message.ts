import type { Config } from '@batchwright/server';

/** What a started server is known by. */
export interface StartedServer {
  readonly url: string;
  /** The key made at the very first start; null afterwards, and when one is configured. */
  readonly firstKey: string | null;
}

/** What `serve` says once it listens: lines to paste, where the data lies, what runs the requests. */
export function startMessage(config: Config, server: StartedServer): string {
  return [
    `Batchwright listens on ${server.url}`,
    '',
    `  export ANTHROPIC_BASE_URL=${clientUrl(config, server.url)}`,
    ...keyLines(config, server.firstKey),
    '',
    `Data      ${config.dataDir}`,
    `Upstream  ${upstreamText(config)}`,
    ...(config.clock === 'virtual'
      ? [`Clock     virtual: stands still until POST ${server.url}/sim/clock moves it`]
      : []),
    '',
    'Ctrl-C stops it; what is unfinished goes on at the next start.',
    '',
  ].join('\n');
}

function keyLines(config: Config, firstKey: string | null): readonly string[] {
  if (firstKey !== null) {
    return [`  export ANTHROPIC_API_KEY=${firstKey}`, '', 'The key is shown this once; only its hash is stored.'];
  }
  if (config.apiKey !== null) return ['', 'The key is the one configured as api_key.'];
  return ['', 'The key is the one the first start printed. Another: npx batchwright keys create'];
}

/** Unspecified addresses are for listening; a client needs one it can reach. */
function clientUrl(config: Config, url: string): string {
  if (config.publicUrl !== null) return config.publicUrl;
  return url.replace('://0.0.0.0', '://127.0.0.1').replace('://[::]', '://[::1]');
}

function upstreamText(config: Config): string {
  switch (config.upstream.type) {
    case 'simulated':
      return 'simulated: answers are made up here, no model is asked. Set --upstream to use a real one.';
    case 'messages':
      return `${config.upstream.baseUrls.join('\n          ')}${config.upstreamApiKey === null ? ', without a key' : ''}`;
    default:
      return config.upstream satisfies never;
  }
}
