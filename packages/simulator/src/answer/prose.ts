import type { Model } from '@batchwright/protocol';
import type { Attachment } from '../prompt/prompt-block.ts';
import type { Prompt } from '../prompt/prompt.ts';

/** What the simulated model says: plainly that it is none, and enough of the request to recognise it by. */
export function prose(prompt: Prompt, model: Model): string {
  const sentences = [
    `This is a simulated answer by Batchwright, standing in for ${model.displayName}; no model was asked.`,
    ...prompt.toolResults.map((result) => ended(`The tool ${result.name} returned ${quoted(result.text)}`)),
    ...(prompt.question === '' ? [] : [ended(`You wrote ${quoted(prompt.question)}`)]),
    ...shown(prompt.attachments),
    CLOSINGS[prompt.hash % CLOSINGS.length],
    `[sim ${prompt.hash.toString(16).padStart(8, '0')}]`,
  ];
  return sentences.join(' ');
}

/** What the simulated model thinks, when it is asked to think first. */
export function thoughts(prompt: Prompt): string {
  const subject =
    prompt.question === '' ? 'The prompt holds no question' : `The question is ${quoted(prompt.question)}`;
  return `${ended(subject)} This thinking is simulated: no model weighs it.`;
}

/** A full stop, unless what is quoted at the end brought one. */
function ended(sentence: string): string {
  return /[.!?…]”$/.test(sentence) ? sentence : `${sentence}.`;
}

const CLOSINGS = [
  'Point Batchwright at a real upstream to get a real answer.',
  'A real upstream would answer here.',
  'With a real upstream configured, its reply would stand here.',
  'Everything around this text is as a real upstream would send it.',
] as const;

const QUOTED_CHARACTERS = 80;
/** Enough for a quote out of text that is mostly spaces. */
const LOOKED_AT = 400;

/** The start of a text on one line, cut between characters. */
export function quoted(text: string): string {
  // Cut before collapsing: a question may end a document of megabytes, and the quote is short.
  const start = text.length > LOOKED_AT ? text.slice(0, LOOKED_AT) : text;
  const line = start.replace(/\s+/g, ' ').trim();
  if (line.length <= QUOTED_CHARACTERS && start === text) return `“${line}”`;
  const characters = [...line];
  const isCut = characters.length > QUOTED_CHARACTERS || start !== text;
  return `“${characters.slice(0, QUOTED_CHARACTERS).join('').trimEnd()}${isCut ? '…' : ''}”`;
}

const MENTIONED = 3;

function shown(attachments: readonly Attachment[]): readonly string[] {
  if (attachments.length === 0) return [];
  const named = attachments.slice(0, MENTIONED).map(described);
  const more = attachments.length - named.length;
  return [`With it came ${[...named, ...(more > 0 ? [`${more} more`] : [])].join(', ')}.`];
}

function described(attachment: Attachment): string {
  switch (attachment.type) {
    case 'image':
      return `an image (${attachment.mediaType}${attachment.bytes === null ? '' : `, ${size(attachment.bytes)}`})`;
    case 'pdf':
      return `a PDF${titled(attachment.title)} of ${attachment.pages} ${attachment.pages === 1 ? 'page' : 'pages'}`;
    case 'document':
      return `a text document${titled(attachment.title)} of ${attachment.tokens} tokens`;
    default:
      return attachment satisfies never;
  }
}

function titled(title: string | null): string {
  return title === null ? '' : ` called ${quoted(title)}`;
}

function size(bytes: number): string {
  return bytes < 1000
    ? `${bytes} bytes`
    : bytes < 1_000_000
      ? `${(bytes / 1000).toFixed(1)} kB`
      : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
