import type { CancelCall, Upstream, UpstreamCall, UpstreamEvents } from './upstream.ts';

/**
 * An upstream that is opened at its first call, so that the server listens before it has loaded an HTTP client. Calls
 * made meanwhile wait; one cancelled while it waits is never sent.
 */
export function deferredUpstream(name: string, open: () => Promise<Upstream>): Upstream {
  let upstream: Upstream | null = null;
  let opening: Promise<Upstream> | null = null;

  const opened = (): Promise<Upstream> => {
    opening ??= open().then(
      (it) => (upstream = it),
      (error: unknown) => {
        // The next call tries anew: what was amiss with the files at hand may have passed.
        opening = null;
        throw error;
      },
    );
    return opening;
  };

  const callLater = (request: UpstreamCall, events: UpstreamEvents): CancelCall => {
    let cancel: CancelCall | null = null;
    let cancelled = false;
    opened().then(
      (it) => {
        if (!cancelled) cancel = it.call(request, events);
      },
      (error: unknown) => {
        if (!cancelled)
          events.onFailure(error instanceof Error ? error.message : 'the upstream could not be opened', false);
      },
    );
    return () => {
      cancelled = true;
      cancel?.();
    };
  };

  return {
    name,
    isSimulated: false,
    call: (request, events) => (upstream === null ? callLater(request, events) : upstream.call(request, events)),
    close: async () => {
      const it = await opening?.catch(() => null);
      await it?.close();
    },
  };
}
