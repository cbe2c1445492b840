import type { Upstream } from '../dispatch/upstream/upstream.ts';

/**
 * Loads what start-up leaves out and the first call to the upstream, or the first warning, would load. Those may come
 * when file descriptors have run out, and Node remembers a package that it could not open as one that is not there: the
 * upstream would be out of reach, and the log silent, until the next start. Never rejects: whoever needs one tries too.
 */
export async function loadLateModules({ isSimulated }: Upstream): Promise<void> {
  const ofUpstream = isSimulated ? [] : [import('../dispatch/upstream/messages-upstream.ts')];
  await Promise.allSettled([import('pino'), ...ofUpstream]);
}
