import { describe, expect, it } from 'vitest';
import { chooseEndpoint } from './endpoint-choice.ts';

const api = (baseUrl: string, namedBy = 'ANTHROPIC_BASE_URL') => ({ type: 'api', baseUrl, namedBy });

describe('which API a command talks to', () => {
  it.each([
    ['the one --server names', 'http://h:1/', { ANTHROPIC_BASE_URL: 'http://other' }, api('http://h:1', '--server')],
    ['without the /v1 people copy', 'http://h/v1/', {}, api('http://h', '--server')],
    ['below a path', 'https://gateway.example/anthropic', {}, api('https://gateway.example/anthropic', '--server')],
    ['the one of the environment', undefined, { ANTHROPIC_BASE_URL: ' http://h:1 ' }, api('http://h:1')],
    ['the hosted one for who has a key', undefined, { ANTHROPIC_API_KEY: 'k' }, api('https://api.anthropic.com')],
    ['the hosted one for who has a token', undefined, { ANTHROPIC_AUTH_TOKEN: 't' }, api('https://api.anthropic.com')],
    ['the hosted one for who has a profile', undefined, { ANTHROPIC_PROFILE: 'p' }, api('https://api.anthropic.com')],
    [
      'none, when there is neither server nor key',
      undefined,
      { ANTHROPIC_API_KEY: '' },
      { type: 'simulated', isAskedFor: false },
    ],
    ['none, when that is asked for', 'simulated', { ANTHROPIC_API_KEY: 'k' }, { type: 'simulated', isAskedFor: true }],
  ])('%s', (_, server, env, choice) => {
    expect(chooseEndpoint(server, env)).toEqual(choice);
  });

  it('says what is wrong with a URL, and never repeats a password', () => {
    expect(chooseEndpoint('localhost:4180', {})).toEqual({
      type: 'fault',
      line: '--server is "localhost:4180", but must be an http(s) URL without credentials, query or fragment, or simulated. Example: http://127.0.0.1:4180',
    });
    expect(chooseEndpoint(undefined, { ANTHROPIC_BASE_URL: 'http://me:secret@h' })).toEqual({
      type: 'fault',
      line: 'ANTHROPIC_BASE_URL has credentials, but must be an http(s) URL without credentials, query or fragment. Example: http://127.0.0.1:4180',
    });
  });
});
