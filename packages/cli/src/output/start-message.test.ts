import { defaultConfig } from '@batchwright/server';
import type { Config } from '@batchwright/server';
import { describe, expect, it } from 'vitest';
import { startMessage } from './start-message.ts';
import type { StartedServer } from './start-message.ts';

function message(config: Partial<Config> = {}, server: Partial<StartedServer> = {}): string {
  const started = { url: 'http://127.0.0.1:4180', firstKey: null, ...server };
  return startMessage({ ...defaultConfig, dataDir: '/data', ...config }, started);
}

describe('startMessage', () => {
  it('gives the first start two lines to paste', () => {
    const text = message({}, { firstKey: 'sk-bw-x' });
    expect(text).toContain('\n  export ANTHROPIC_BASE_URL=http://127.0.0.1:4180\n  export ANTHROPIC_API_KEY=sk-bw-x\n');
    expect(text).toContain('shown this once');
  });

  it('says on later starts how to make another key', () => {
    const text = message();
    expect(text).not.toContain('ANTHROPIC_API_KEY');
    expect(text).toContain('batchwright keys create');
  });

  it('never shows the configured key', () => {
    const text = message({
      apiKey: 'sk-own',
      upstreamApiKey: 'sk-up',
      upstream: { type: 'messages', baseUrls: ['http://h'] },
    });
    expect(text).not.toMatch(/sk-own|sk-up/);
    expect(text).toContain('configured as api_key');
  });

  it('names where the data lies and what runs the requests', () => {
    expect(message()).toContain('Data      /data\nUpstream  simulated: answers are made up here');
    expect(message({ upstream: { type: 'messages', baseUrls: ['http://gpu:8000'] } })).toContain(
      'Upstream  http://gpu:8000, without a key\n',
    );
    expect(message({ upstream: { type: 'messages', baseUrls: ['http://a', 'http://b'] } })).toContain(
      'Upstream  http://a\n          http://b, without a key\n',
    );
  });

  it('warns that virtual time stands still, and of nothing else otherwise', () => {
    expect(message({ clock: 'virtual' })).toContain('Clock     virtual');
    expect(message()).not.toContain('Clock');
  });

  it.each([
    ['http://0.0.0.0:4180', 'http://127.0.0.1:4180'],
    ['http://[::]:4180', 'http://[::1]:4180'],
  ])('turns %s, where nobody can call, into %s', (url, client) => {
    expect(message({}, { url })).toContain(`ANTHROPIC_BASE_URL=${client}\n`);
  });

  it('gives clients the public URL where there is one', () => {
    expect(message({ publicUrl: 'https://b.example' })).toContain('ANTHROPIC_BASE_URL=https://b.example\n');
  });
});
