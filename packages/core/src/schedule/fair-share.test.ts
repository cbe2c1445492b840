import type { BatchId, WorkspaceId } from '@batchwright/protocol';
import { expect, it } from 'vitest';
import { FairShare } from './fair-share.ts';

const workspace = (name: string) => name as WorkspaceId;
const batch = (name: string) => name as BatchId;

/** Batches named by their workspace's letter and a number, all ready. */
function ready(...names: string[]): FairShare {
  const share = new FairShare();
  for (const name of names) {
    share.add(workspace(name.slice(0, 1)), batch(name));
    share.setReady(batch(name), true);
  }
  return share;
}

const picks = (share: FairShare, count: number) => Array.from({ length: count }, () => share.next()).join(' ');

it('F1 workspaces take turns, and their batches within', () => {
  expect(picks(ready('a1', 'a2', 'a3', 'b1'), 8)).toBe('a1 b1 a2 b1 a3 b1 a1 b1');
});

it('F2 nothing ready is nobody’s turn', () => {
  const share = new FairShare();
  expect(share.next()).toBeNull();
  share.add(workspace('a'), batch('a1'));
  expect(share.next()).toBeNull();
});

it('F2 what is not ready is passed over, and comes back at the end', () => {
  const share = ready('a1', 'a2', 'a3');
  share.setReady(batch('a1'), false);
  expect(picks(share, 3)).toBe('a2 a3 a2');
  share.setReady(batch('a1'), true);
  expect(picks(share, 3)).toBe('a3 a2 a1');
});

it('F2 saying again what is known changes no place', () => {
  const share = ready('a1', 'a2', 'a3');
  share.add(workspace('a'), batch('a2'));
  share.setReady(batch('a2'), true);
  share.setReady(batch('a1'), true);
  expect(picks(share, 3)).toBe('a1 a2 a3');
});

it('F3 what was removed has no turn, not even when it is said to be ready', () => {
  const share = ready('a1', 'b1');
  share.remove(batch('a1'));
  share.setReady(batch('a1'), true);
  share.remove(batch('a1'));
  expect(share.size).toBe(1);
  expect(picks(share, 3)).toBe('b1 b1 b1');
});

it('F3 a batch cannot change its workspace', () => {
  const share = ready('a1');
  expect(() => share.add(workspace('b'), batch('a1'))).toThrow('a1 belongs to a, not b');
});
