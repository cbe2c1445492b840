import { PATHS, type PathItem } from './paths.ts';
import type { Schema } from './schema.ts';
import { SCHEMAS } from './schemas.ts';

export interface OpenapiDocument {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: {
    readonly securitySchemes: Readonly<Record<string, Readonly<Record<string, string>>>>;
    readonly schemas: Readonly<Record<string, Schema>>;
  };
}

/** The OpenAPI 3.1 description of everything the server answers, kept true by a test against the route table. */
export function openapiDocument(): OpenapiDocument {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Batchwright',
      version: '1',
      description:
        'The Message Batches API, self-hosted. Paths under `/v1` are the API’s own, those under `/ext/v1` ours.',
    },
    security: [{ apiKey: [] }, { bearer: [] }],
    paths: PATHS,
    components: {
      securitySchemes: {
        apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
        bearer: { type: 'http', scheme: 'bearer' },
      },
      schemas: SCHEMAS,
    },
  };
}
