import type { RequestSource } from './request-source.ts';

/** Makes the first request and lets go of it, so that most mistakes are found before anything is begun. */
export async function tryFirstRequest(source: RequestSource): Promise<void> {
  for await (const _first of source.requests()) return;
}
