import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { BadRequestsError } from '@batchwright/client';
import { isJsonObject, type JsonObject } from '@batchwright/core';
import { unreadable } from '../bytes/unreadable.ts';
import { shortened } from '../wording.ts';

/** Text given on the command line, or `@file`; `@@` stands for one @. The line end with which editors end files is left out. */
export async function givenText(value: string, flag: string, cwd: string): Promise<string> {
  if (value.startsWith('@@')) return value.slice(1);
  if (!value.startsWith('@')) return value;
  return (await readText(value.slice(1), flag, cwd)).replace(/\r?\n$/, '');
}

/** A file of JSON. */
export async function readJsonFile(file: string, flag: string, cwd: string): Promise<unknown> {
  return parseJson(await readText(file, flag, cwd), `${flag} ${shortened(file)}`);
}

/** The value as an object, or what to say when it is another. */
export function asObject(value: unknown, what: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw new BadRequestsError(`${what} must be a JSON object, but is ${shortened(JSON.stringify(value))}.`);
}

export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new BadRequestsError(`${what} is not JSON: ${shortened((error as Error).message)}.`, { cause: error });
  }
}

/** A file of text, as UTF-8. */
export async function readText(file: string, flag: string, cwd: string): Promise<string> {
  try {
    return decoder.decode(await readFile(resolve(cwd, file)));
  } catch (error) {
    if (error instanceof TypeError && 'code' in error && error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
      throw new BadRequestsError(`${flag} ${shortened(file)} is not UTF-8. Save it as UTF-8.`, { cause: error });
    }
    throw unreadable(`${flag} ${shortened(file)}`, error, cwd);
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** What stands for a text where it is to be recognised and not shown. */
export function fingerprint(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
}
