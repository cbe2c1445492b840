import type { Call, Caller, Params, Room } from './call.ts';
import type { Reply } from './reply.ts';

export type Method = 'GET' | 'POST' | 'DELETE';

interface Place {
  readonly method: Method;
  /** Segments in braces are parameters; a last segment `*` takes any rest. */
  readonly path: string;
}

/** One line of the route table. `access` says who may call, and so what the handler is given. */
export type Route =
  | (Place & { readonly access: 'open'; handle(room: Room, call: Call, params: Params): Reply | Promise<Reply> })
  /** Open or behind any valid key, as the operator chose. */
  | (Place & { readonly access: 'operator'; handle(room: Room, call: Call, params: Params): Reply | Promise<Reply> })
  | (Place & {
      readonly access: 'caller';
      /** Counts against the workspace's calls per minute, and carries the headers that tell how many are left. */
      readonly counted: boolean;
      handle(room: Room, call: Call, params: Params, caller: Caller): Reply | Promise<Reply>;
    });

export type RouteMatch =
  | { readonly type: 'found'; readonly route: Route; readonly params: Params }
  | { readonly type: 'wrong_method'; readonly allowed: readonly string[] }
  | { readonly type: 'unknown_path' };

/** Finds the route of a call. HEAD is GET without its body. A path that cannot be decoded is unknown. */
export function matchRoute(routes: readonly Route[], method: string, path: string): RouteMatch {
  const segments = path.split('/');
  const allowed: string[] = [];
  for (const route of routes) {
    const params = matchPath(route.path.split('/'), segments);
    if (params === null) continue;
    if (route.method === method || (route.method === 'GET' && method === 'HEAD')) {
      return { type: 'found', route, params };
    }
    allowed.push(...(route.method === 'GET' ? ['GET', 'HEAD'] : [route.method]));
  }
  return allowed.length === 0 ? { type: 'unknown_path' } : { type: 'wrong_method', allowed };
}

function matchPath(pattern: readonly string[], segments: readonly string[]): Params | null {
  const takesRest = pattern.at(-1) === '*';
  if (takesRest ? segments.length < pattern.length : segments.length !== pattern.length) return null;
  const params: Record<string, string> = {};
  for (const [position, part] of pattern.entries()) {
    const segment = segments[position] ?? '';
    if (takesRest && position === pattern.length - 1) break;
    if (!part.startsWith('{')) {
      if (part !== segment) return null;
      continue;
    }
    const value = decodeSegment(segment);
    if (value === null || value === '') return null;
    params[part.slice(1, -1)] = value;
  }
  return params;
}

function decodeSegment(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}
