import { LIMITS } from '@batchwright/protocol';
import { isJsonObject, listOf } from './json-value.ts';
import { firstError, invalid, type ParamsError } from './params-error.ts';

/**
 * The rules that span a conversation, on messages whose shapes are sound: who speaks first, what may be empty, and
 * that each tool result answers a call in the message before it.
 */
export function checkConversation(messages: readonly unknown[]): ParamsError | null {
  if (messages.length === 0) return invalid('messages: at least one message is required');
  if (messages.length > LIMITS.messagesPerRequest) {
    return invalid(
      `messages: List should have at most ${LIMITS.messagesPerRequest} items after validation, not ${messages.length}`,
    );
  }
  const turns = messages.map(turnOf);
  // A compaction stands for the conversation it summarises, and leads it under the assistant's role.
  const leads = turns[0]?.role === 'user' || idsOf(turns[0]!, 'compaction', 'type').length > 0;
  if (!leads) return invalid('messages: first message must use the "user" role');
  return (
    firstError(turns, (turn, i) => checkEmptiness(turn, i, i === turns.length - 1)) ??
    firstError(turns, (turn, i) => checkToolPairs(turn, turns[i - 1], i)) ??
    checkLastTurn(turns.at(-1))
  );
}

/** Whether the conversation ends with the assistant's own words, for the model to go on from. */
export function endsWithPrefill(messages: readonly unknown[]): boolean {
  return turnOf(messages.at(-1)).role === 'assistant';
}

interface Turn {
  readonly role: string;
  readonly text: string | null;
  readonly blocks: readonly unknown[];
}

function turnOf(message: unknown): Turn {
  if (!isJsonObject(message)) return { role: '', text: null, blocks: [] };
  const { role, content } = message;
  return {
    role: typeof role === 'string' ? role : '',
    text: typeof content === 'string' ? content : null,
    blocks: listOf(content),
  };
}

function checkEmptiness(turn: Turn, index: number, isLast: boolean): ParamsError | null {
  const isEmpty = turn.text === null ? turn.blocks.length === 0 : turn.text === '';
  if (isEmpty && !(isLast && turn.role === 'assistant')) {
    return invalid(
      `messages.${index}: all messages must have non-empty content except for the optional final assistant message`,
    );
  }
  const hasEmptyText = turn.blocks.some(
    (block) => isJsonObject(block) && block['type'] === 'text' && block['text'] === '',
  );
  return hasEmptyText ? invalid('messages: text content blocks must be non-empty') : null;
}

/** The ids named by blocks of one type. */
function idsOf(turn: Turn, type: string, key: string): readonly string[] {
  return turn.blocks.flatMap((block) =>
    isJsonObject(block) && block['type'] === type && typeof block[key] === 'string' ? [block[key]] : [],
  );
}

function checkToolPairs(turn: Turn, before: Turn | undefined, index: number): ParamsError | null {
  const called = before?.role === 'assistant' ? idsOf(before, 'tool_use', 'id') : [];
  const answered = turn.role === 'user' ? idsOf(turn, 'tool_result', 'tool_use_id') : [];
  if (called.length === 0 && answered.length === 0) return null;
  const stray = answered.find((id) => !called.includes(id));
  if (stray !== undefined) {
    return invalid(
      `messages.${index}.content.${blockIndexOf(turn, stray)}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${stray}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
    );
  }
  const open = turn.role === 'user' ? called.filter((id) => !answered.includes(id)) : [];
  if (open.length === 0) return null;
  return invalid(
    `messages.${index - 1}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${open.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
  );
}

function blockIndexOf(turn: Turn, toolUseId: string): number {
  return turn.blocks.findIndex((block) => isJsonObject(block) && block['tool_use_id'] === toolUseId);
}

function checkLastTurn(turn: Turn | undefined): ParamsError | null {
  if (turn?.role !== 'assistant') return null;
  const last = turn.blocks.at(-1);
  const text = turn.text ?? (isJsonObject(last) && last['type'] === 'text' ? last['text'] : null);
  return typeof text === 'string' && /\s$/.test(text)
    ? invalid('messages: final assistant content cannot end with trailing whitespace')
    : null;
}
