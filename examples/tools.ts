/**
 * A batch whose requests offer a tool. A batch does not run the tool: a result with `stop_reason: "tool_use"` says what
 * the model wants to call, and the conversation goes on in a later request, in a batch or not.
 *
 *     node examples/dist/tools.js
 */
import Anthropic from '@anthropic-ai/sdk';
import { type Polling, untilEnded } from './poll.ts';

const GET_WEATHER: Anthropic.Tool = {
  name: 'get_weather',
  description: 'Get the current weather of a place',
  input_schema: {
    type: 'object',
    properties: { location: { type: 'string', description: 'City and country' } },
    required: ['location'],
  },
};

function weatherRequest(customId: string, city: string): Anthropic.Messages.BatchCreateParams.Request {
  return {
    custom_id: customId,
    params: {
      model: 'claude-haiku-4-5',
      max_tokens: 1024,
      tools: [GET_WEATHER],
      // Forced, so that every answer is a call; leave it out to let the model decide.
      tool_choice: { type: 'tool', name: 'get_weather' },
      messages: [{ role: 'user', content: `What's the weather in ${city}?` }],
    },
  };
}

/** The calls that a batch's answers ask for, by custom_id. */
export type ToolCalls = Map<string, Anthropic.ToolUseBlock>;

/** Asks about the weather in two cities and prints the calls that come back. */
export async function main(client: Anthropic, polling?: Polling): Promise<ToolCalls> {
  const created = await client.messages.batches.create({
    requests: [weatherRequest('weather-sf', 'San Francisco'), weatherRequest('weather-oslo', 'Oslo')],
  });
  await untilEnded(client, created.id, polling);
  const calls: ToolCalls = new Map();
  for await (const { custom_id, result } of await client.messages.batches.results(created.id)) {
    if (result.type !== 'succeeded') continue;
    for (const block of result.message.content) {
      if (block.type !== 'tool_use') continue;
      calls.set(custom_id, block);
      console.log(`${custom_id}: ${block.name}(${JSON.stringify(block.input)})`);
    }
  }
  return calls;
}

if (process.argv[1] === import.meta.filename) await main(new Anthropic());
