/** API versions a request may name. `2026-10-21` changes only how each request's params are validated. */
export const API_VERSIONS = ['2023-01-01', '2023-06-01', '2026-10-21'] as const;
export type ApiVersion = (typeof API_VERSIONS)[number];

export function isApiVersion(value: string): value is ApiVersion {
  return (API_VERSIONS as readonly string[]).includes(value);
}
