import { isGiven, isJsonObject, listOf, type JsonObject } from '@batchwright/core';
import { Hasher } from '../hash.ts';
import { directiveOf, withoutDirective, type Directive } from './directive.ts';
import { blockText, countBlock, type Attachment } from './prompt-block.ts';

/**
 * A request's prompt as the simulator sees it: a list of blocks in rendering order (tools, system, messages) with the
 * tokens and the hash of each. Cache markers are no part of either.
 */
export interface Prompt {
  readonly blocks: readonly PromptBlock[];
  readonly tokens: number;
  /** Hash of everything rendered; equal prompts get equal answers. */
  readonly hash: number;
  /** The last block's directive. */
  readonly directive: Directive;
  /** The last text of the last user turn, without its directive. */
  readonly question: string;
  readonly attachments: readonly Attachment[];
  /** Results of tool calls in the last turn, each with the tool's name. */
  readonly toolResults: readonly { readonly name: string; readonly text: string }[];
}

export type Tier = 'tools' | 'system' | 'messages';

export interface PromptBlock {
  readonly tier: Tier;
  /** Who says it; empty for tools and the system prompt. */
  readonly role: string;
  readonly tokens: number;
  /** 53 bits, over type and content. */
  readonly hash: number;
}

/** Reads a prompt from params that are known to be sound. */
export function readPrompt(params: JsonObject, seed: number): Prompt {
  const reading = new PromptReading(seed);
  for (const tool of listOf(params['tools'])) reading.add('tools', '', tool);
  reading.addContent('system', '', params['system']);
  const messages = listOf(params['messages']);
  for (const message of messages) {
    if (isJsonObject(message)) reading.addContent('messages', String(message['role']), message['content']);
  }
  const lastTurn = messages.at(-1);
  const content = isJsonObject(lastTurn) ? lastTurn['content'] : undefined;
  return { ...reading.result(), question: questionIn(messages), toolResults: toolResultsIn(content, messages) };
}

class PromptReading {
  readonly #seed: number;
  readonly #blocks: PromptBlock[] = [];
  readonly #attachments: Attachment[] = [];
  readonly #whole: Hasher;
  #tokens = 0;
  #directive: Directive = {};

  constructor(seed: number) {
    this.#seed = seed;
    this.#whole = new Hasher(seed);
  }

  /** A string is one text block. */
  addContent(tier: Tier, role: string, content: unknown): void {
    if (typeof content === 'string') this.add(tier, role, { type: 'text', text: content });
    else for (const block of listOf(content)) this.add(tier, role, block);
  }

  add(tier: Tier, role: string, block: unknown): void {
    if (!isJsonObject(block)) return;
    const counted = countBlock(block, tier === 'tools', this.#attachments);
    this.#directive = directiveOf(blockText(block) ?? '');
    const tokens = this.#directive.tokens ?? counted.tokens;
    const hasher = new Hasher(this.#seed).text(counted.content);
    this.#whole.text(tier === 'messages' ? role : tier).integer(hasher.word());
    this.#tokens += tokens;
    this.#blocks.push({ tier, role, tokens, hash: hasher.text(String(block['type'])).word53() });
  }

  result(): Pick<Prompt, 'blocks' | 'tokens' | 'hash' | 'directive' | 'attachments'> {
    return {
      blocks: this.#blocks,
      tokens: this.#tokens,
      hash: this.#whole.word(),
      directive: this.#directive,
      attachments: this.#attachments,
    };
  }
}

function questionIn(messages: readonly unknown[]): string {
  for (let i = messages.length - 1; i >= 0; i--) {
    const message = messages[i];
    if (!isJsonObject(message) || message['role'] !== 'user') continue;
    const content = message['content'];
    if (typeof content === 'string') return withoutDirective(content);
    const texts = listOf(content).flatMap((block) =>
      isJsonObject(block) && block['type'] === 'text' && typeof block['text'] === 'string' ? [block['text']] : [],
    );
    return withoutDirective(texts.at(-1) ?? '');
  }
  return '';
}

function toolResultsIn(content: unknown, messages: readonly unknown[]): Prompt['toolResults'] {
  return listOf(content).flatMap((block) => {
    if (!isJsonObject(block) || block['type'] !== 'tool_result') return [];
    return [{ name: nameOfCall(String(block['tool_use_id']), messages), text: resultText(block['content']) }];
  });
}

function nameOfCall(toolUseId: string, messages: readonly unknown[]): string {
  const before = messages.at(-2);
  const call = listOf(isJsonObject(before) ? before['content'] : undefined).find(
    (block) => isJsonObject(block) && block['type'] === 'tool_use' && block['id'] === toolUseId,
  );
  return isJsonObject(call) ? String(call['name']) : 'tool';
}

function resultText(content: unknown): string {
  if (typeof content === 'string') return content;
  const first = listOf(content).find((block) => isJsonObject(block) && isGiven(block['text']));
  return isJsonObject(first) ? String(first['text']) : '';
}
