import { describe, expect, it } from 'vitest';
import { readPeerOrder } from './arguments.ts';
import { PEERS } from './peer.ts';

describe('arguments of the comparison', () => {
  it('ask for every peer in three rounds when there are none', () => {
    const order = { peers: PEERS, rounds: 3, markdownFile: null };
    expect(readPeerOrder([], PEERS)).toEqual({ type: 'order', order });
  });

  it('choose peers in the order of the table, whatever the order they are named in', () => {
    const read = readPeerOrder(['bullmq-queue', 'sdk-append', '--rounds', '1', '--markdown', 'page.md'], PEERS);
    const peers = PEERS.filter(({ id }) => id === 'sdk-append' || id === 'bullmq-queue');
    expect(read).toEqual({ type: 'order', order: { peers, rounds: 1, markdownFile: 'page.md' } });
  });

  it.each([[['celery']], [['--rounds', '-1']], [['--rounds', '21']], [['--rounds']], [['--markdown']]])(
    'are refused in one line when they make no sense: %j',
    (args) => {
      expect(readPeerOrder(args, PEERS).type).toBe('misused');
    },
  );
});
