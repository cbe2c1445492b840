import {
  aBoolean,
  aName,
  aString,
  anObject,
  fields,
  nullable,
  optional,
  required,
  tagged,
  type Shape,
} from './field-shape.ts';
import { isJsonObject, type JsonObject, listOf } from './json-value.ts';
import { invalid, type ParamsError } from './params-error.ts';

const TOOL_NAME = /^[a-zA-Z0-9_-]{1,128}$/;

const inputSchema: Shape = (path, value) =>
  anObject(path, value) ??
  (!isJsonObject(value) || value['type'] === 'object' ? null : invalid(`${path}.type: Input should be 'object'`));

const customTool = fields({
  name: required(aName(TOOL_NAME)),
  description: nullable(aString),
  input_schema: required(inputSchema),
});

/** A tool of ours to describe (no type, or `custom`), or one of the API's own, known by a dated type. */
export const aTool: Shape = (path, value) => {
  if (!isJsonObject(value)) return anObject(path, value);
  const type = value['type'];
  if (type === undefined || type === null || type === 'custom') return customTool(`${path}.custom`, value);
  return aString(`${path}.type`, type) ?? optional(aString)(`${path}.name`, value['name']);
};

const parallel = { disable_parallel_tool_use: nullable(aBoolean) };

export const aToolChoice: Shape = tagged({
  auto: fields(parallel),
  any: fields(parallel),
  tool: fields({ ...parallel, name: required(aString) }),
  none: fields({}),
});

/** The rules that join `tools` and `tool_choice`, on sound shapes. */
export function checkTools(params: JsonObject): ParamsError | null {
  const tools = listOf(params['tools']);
  const names = tools.flatMap((tool) => (isJsonObject(tool) && typeof tool['name'] === 'string' ? [tool['name']] : []));
  if (new Set(names).size < names.length) return invalid('tools: Tool names must be unique.');
  const choice = params['tool_choice'];
  if (!isJsonObject(choice)) return null;
  if (tools.length === 0 && choice['type'] !== 'none') {
    return invalid('tool_choice: may only be specified while providing tools');
  }
  const wanted = choice['type'] === 'tool' ? choice['name'] : undefined;
  return typeof wanted !== 'string' || names.includes(wanted)
    ? null
    : invalid(`tool_choice.tool.name: Tool '${wanted}' not found in provided tools`);
}

/** Whether the request obliges the model to call a tool. */
export function forcesTool(params: JsonObject): boolean {
  const choice = params['tool_choice'];
  return isJsonObject(choice) && (choice['type'] === 'any' || choice['type'] === 'tool');
}
