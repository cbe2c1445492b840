import { connectService, sdkClient, type BatchService } from '@batchwright/client';
import type { Host } from '../host.ts';
import type { ApiChoice, EndpointChoice } from './endpoint-choice.ts';
import type { PriceTable } from './price-table.ts';

/** An API that is there. */
export interface Endpoint {
  readonly service: BatchService;
  /** Whether it goes when this process does, and its model is simulated. */
  readonly isEmbedded: boolean;
  /** Lets go of it; one that is embedded stops. */
  close(): Promise<void>;
}

/** Connects to an API with the credentials the SDK would use. Rejects with a `ServiceError` when nobody answers as one. */
export async function openApi({ baseUrl, namedBy }: ApiChoice, host: Host, signal?: AbortSignal): Promise<Endpoint> {
  const client = sdkClient({
    baseUrl,
    apiKey: host.env['ANTHROPIC_API_KEY'] ?? null,
    authToken: host.env['ANTHROPIC_AUTH_TOKEN'] ?? null,
  });
  const service = await connectService(client, signal, undefined, namedBy);
  return { service, isEmbedded: false, close: () => Promise.resolve() };
}

/** What an embedded Batchwright needs. */
export interface EmbeddedTerms {
  /** Where it keeps its data, and goes on where it was. */
  readonly dataDir: string;
  readonly prices: PriceTable['file'];
}

/** Opens the API that was chosen. */
export async function openEndpoint(
  choice: EndpointChoice,
  { dataDir, prices }: EmbeddedTerms,
  host: Host,
  signal?: AbortSignal,
): Promise<Endpoint> {
  if (choice.type === 'api') return openApi(choice, host, signal);
  const { startEmbeddedServer } = await import('./embedded-server.ts');
  const server = await startEmbeddedServer(dataDir, prices);
  try {
    const client = sdkClient({ baseUrl: server.url, apiKey: server.apiKey, authToken: null });
    return { service: await connectService(client, signal), isEmbedded: true, close: () => server.close() };
  } catch (error) {
    await server.close();
    throw error;
  }
}
