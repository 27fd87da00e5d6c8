// Vercel's AI SDK with two of its providers: openai-compatible, which hands unknown fields back, and openai.

import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, Output, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { readings, serve } from "./lines.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;

const Reading = z.object({ city: z.string(), degrees: z.number().int() });

const tools = Object.fromEntries(
  Object.entries(readings).map(([name, reading]) => [
    name,
    tool({
      description: `The ${name} of a city.`,
      inputSchema: z.object({ city: z.string() }),
      execute: async ({ city }) => reading(city),
    }),
  ]),
);

function chat({ url, model, provider = "compatible" }) {
  const given = { baseURL: url, apiKey: "unused" };
  if (provider === "openai") return createOpenAI(given).chat(model);
  const more = { name: "claw", includeUsage: true, supportsStructuredOutputs: true };
  return createOpenAICompatible({ ...given, ...more }).chatModel(model);
}

function told({ text, usage }) {
  return { text, input: usage.inputTokens, output: usage.outputTokens };
}

await serve({
  plain: async ({ text, retries = 0, ...given }) =>
    told(await generateText({ model: chat(given), prompt: text, maxRetries: retries })),

  stream: async ({ text, ...given }) => {
    let failed;
    const result = streamText({
      model: chat(given),
      prompt: text,
      maxRetries: 0,
      onError: ({ error }) => {
        failed = error;
      },
    });
    let whole = "";
    for await (const piece of result.textStream) whole += piece;
    if (failed) throw failed;
    return told({ text: whole, usage: await result.usage });
  },

  loop: async ({ turns, streamed = false, ...given }) => {
    const messages = [];
    const steps = [];
    const answers = [];
    for (const turn of turns) {
      messages.push({ role: "user", content: turn });
      const asked = { model: chat(given), messages, tools, stopWhen: stepCountIs(6), maxRetries: 0 };
      const result = streamed ? streamText(asked) : await generateText(asked);
      answers.push(await result.text);
      const taken = await result.steps;
      messages.push(...(await result.responseMessages));
      steps.push(...taken.map((step) => step.toolCalls.map((call) => call.toolName)).filter((s) => s.length));
    }
    return { steps, answers };
  },

  forced: async ({ text, choice, ...given }) => {
    const toolChoice = choice.function ? { type: "tool", toolName: choice.function.name } : choice;
    const result = await generateText({ model: chat(given), prompt: text, tools, toolChoice, maxRetries: 0 });
    return result.toolCalls.map((call) => call.toolName);
  },

  structured: async ({ text, with_tools = false, ...given }) => {
    const more = with_tools ? { tools, stopWhen: stepCountIs(4) } : {};
    const output = Output.object({ schema: Reading });
    return (await generateText({ model: chat(given), prompt: text, output, maxRetries: 0, ...more })).output;
  },

  image: async ({ data_url, ...given }) => {
    const content = [
      { type: "text", text: "What is this?" },
      { type: "file", mediaType: "image/png", data: data_url.split(",")[1] },
    ];
    return told(await generateText({ model: chat(given), messages: [{ role: "user", content }], maxRetries: 0 }));
  },
});
