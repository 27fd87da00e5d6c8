// OpenAI's client for Node, used as its documentation shows.

import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { readings, serve, tools } from "./lines.mjs";

const Reading = z.object({ city: z.string(), degrees: z.number().int() });

const connect = (url, retries = 0) => new OpenAI({ baseURL: url, apiKey: "unused", maxRetries: retries });
const user = (content) => [{ role: "user", content }];

function told(answer) {
  const { choices, usage } = answer;
  return { text: choices[0].message.content ?? "", input: usage.prompt_tokens, output: usage.completion_tokens };
}

async function loop({ url, model, turns, backwards = false, streamed = false, known_fields_only = false }) {
  const client = connect(url);
  const messages = [];
  const steps = [];
  const answers = [];
  for (const turn of turns) {
    messages.push(...user(turn));
    for (;;) {
      const asked = { model, messages, tools };
      const answer = streamed
        ? await client.chat.completions.stream(asked).finalChatCompletion()
        : await client.chat.completions.create(asked);
      const { message } = answer.choices[0];
      const calls = message.tool_calls ?? [];
      if (known_fields_only && calls.length) {
        const known = calls.map(({ id, type, function: { name, arguments: text } }) => ({
          id,
          type,
          function: { name, arguments: text },
        }));
        messages.push({ role: "assistant", content: message.content, tool_calls: known });
      } else {
        messages.push(message);
      }
      if (!calls.length) {
        answers.push(message.content ?? "");
        break;
      }
      steps.push(calls.map((call) => call.function.arguments));
      const results = calls.map((call) => ({
        role: "tool",
        tool_call_id: call.id,
        content: readings[call.function.name](JSON.parse(call.function.arguments).city),
      }));
      messages.push(...(backwards ? results.reverse() : results));
    }
  }
  return { steps, answers };
}

await serve({
  plain: async ({ url, model, text, retries, ...more }) =>
    told(await connect(url, retries).chat.completions.create({ model, messages: user(text), ...more })),

  stream: async ({ url, model, text }) => {
    const asked = { model, messages: user(text), stream: true, stream_options: { include_usage: true } };
    let whole = "";
    let usage;
    for await (const chunk of await connect(url).chat.completions.create(asked)) {
      whole += chunk.choices[0]?.delta.content ?? "";
      usage = chunk.usage ?? usage;
    }
    return { text: whole, input: usage.prompt_tokens, output: usage.completion_tokens };
  },

  loop,

  forced: async ({ url, model, text, choice, ...more }) => {
    const asked = { model, messages: user(text), tools, tool_choice: choice, ...more };
    const answer = await connect(url).chat.completions.create(asked);
    return (answer.choices[0].message.tool_calls ?? []).map((call) => call.function.name);
  },

  structured: async ({ url, model, text, with_tools = false }) => {
    const asked = { model, messages: user(text), response_format: zodResponseFormat(Reading, "reading") };
    const more = with_tools
      ? { tools: tools.map((each) => ({ ...each, function: { ...each.function, strict: true } })) }
      : {};
    const answer = await connect(url).chat.completions.parse({ ...asked, ...more });
    return answer.choices[0].message.parsed;
  },

  image: async ({ url, model, data_url }) => {
    const parts = [
      { type: "text", text: "What is this?" },
      { type: "image_url", image_url: { url: data_url } },
    ];
    return told(await connect(url).chat.completions.create({ model, messages: user(parts) }));
  },

  several: async ({ url, model, text, n }) => {
    const answer = await connect(url).chat.completions.create({ model, messages: user(text), n });
    return answer.choices.map((choice) => choice.message.content ?? "");
  },

  model: async ({ url, name }) => (await connect(url).models.retrieve(name)).id,
});
