import {
  aBoolean,
  aString,
  anObject,
  anything,
  fields,
  integerAtLeast,
  listOfShape,
  nullable,
  oneOf,
  required,
  tagged,
  type Shape,
} from './field-shape.ts';
import { choices, invalid } from './params-error.ts';

/** The blocks a message may hold, and what each must carry. Only what the API requires is checked; the rest passes. */

const IMAGE_TYPES = ['image/jpeg', 'image/png', 'image/gif', 'image/webp'];
const ID = /^[a-zA-Z0-9_-]+$/;

const text = fields({ text: required(aString), citations: anything });
const urlSource = fields({ url: required(aString) });
const fileSource = fields({ file_id: required(aString) });

const imageSource = tagged({
  base64: fields({ media_type: required(oneOf(IMAGE_TYPES)), data: required(base64Like()) }),
  url: urlSource,
  file: fileSource,
});
const image = fields({ source: required(imageSource) });

const documentSource = tagged({
  base64: fields({ media_type: required(oneOf(['application/pdf'])), data: required(base64Like()) }),
  text: fields({ media_type: required(oneOf(['text/plain'])), data: required(aString) }),
  content: fields({ content: required(stringOr(listOfShape(tagged({ text, image })))) }),
  url: urlSource,
  file: fileSource,
});
const document = fields({
  source: required(documentSource),
  title: nullable(aString),
  context: nullable(aString),
  citations: nullable(anObject),
});

const searchResult = fields({
  source: required(aString),
  title: required(aString),
  content: required(listOfShape(tagged({ text }))),
});

const toolResult = fields({
  tool_use_id: required(idLike()),
  is_error: nullable(aBoolean),
  content: nullable(
    stringOr(
      listOfShape(
        tagged({
          text,
          image,
          search_result: searchResult,
          document,
          tool_reference: anything,
          browser_state: anything,
        }),
      ),
    ),
  ),
});

const toolUse = fields({ id: required(idLike()), name: required(aString), input: required(anything) });
const serverResult = fields({ tool_use_id: required(aString), content: required(anything) });

const BLOCKS: Readonly<Record<string, Shape>> = {
  text,
  image,
  document,
  search_result: searchResult,
  thinking: fields({ thinking: required(aString), signature: required(aString) }),
  redacted_thinking: fields({ data: required(aString) }),
  tool_use: toolUse,
  tool_result: toolResult,
  server_tool_use: toolUse,
  web_search_tool_result: serverResult,
  web_fetch_tool_result: serverResult,
  code_execution_tool_result: serverResult,
  bash_code_execution_tool_result: serverResult,
  text_editor_code_execution_tool_result: serverResult,
  tool_search_tool_result: serverResult,
  container_upload: fields({ file_id: required(aString) }),
  // Betas, whose own fields still move: known by name, so that nothing else passes for a block.
  advisor_tool_result: anything,
  mcp_tool_use: anything,
  mcp_tool_result: anything,
  mcp_tool_listing: anything,
  compaction: anything,
  tool_addition: anything,
  tool_removal: anything,
  fallback: anything,
};

/** One block of a message's content. */
export const aBlock: Shape = tagged(BLOCKS);

/** A system prompt: a string, or a list of text blocks. */
export const aSystemPrompt: Shape = stringOr(
  listOfShape(tagged({ text, tool_addition: anything, tool_removal: anything })),
);

/** One message of a conversation. */
export const aMessage: Shape = fields({
  role: required(aRole()),
  content: required(stringOr(listOfShape(aBlock))),
});

/** The `thinking` field. Which of its types a model takes is the model's rule. */
export const aThinkingConfig: Shape = tagged({
  enabled: fields({ budget_tokens: required(integerAtLeast(1024)), display: nullable(aDisplay()) }),
  adaptive: fields({ display: nullable(aDisplay()) }),
  between_tools: anything,
  disabled: anything,
});

function aDisplay(): Shape {
  return oneOf(['summarized', 'omitted', 'full']);
}

function aRole(): Shape {
  const roles = ['user', 'assistant', 'system'];
  return (path, value) =>
    typeof value === 'string' && roles.includes(value) ? null : invalid(`${path}: Input should be ${choices(roles)}`);
}

function stringOr(list: Shape): Shape {
  return (path, value) => (typeof value === 'string' ? null : list(path, value));
}

function idLike(): Shape {
  return (path, value) =>
    aString(path, value) ??
    (ID.test(value as string) ? null : invalid(`${path}: String should match pattern '${ID.source}'`));
}

/**
 * The end of base64 data tells a wrong alphabet or a data URL from a sound value without a pass over megabytes; a full
 * check is the decoder's.
 */
function base64Like(): Shape {
  return (path, value) => {
    const wrong = aString(path, value);
    if (wrong !== null) return wrong;
    const data = value as string;
    const ends = data.slice(0, 64) + data.slice(-64);
    return data !== '' && /^[A-Za-z0-9+/=\s_-]*$/.test(ends) ? null : invalid(`${path}: Invalid base64 data`);
  };
}
