// The loop of every client program on Node: a line of JSON in, the result or what was raised out.

import { createInterface } from "node:readline";

export const readings = { weather: (city) => `${city}: 18 degrees`, clock: (city) => `${city}: noon` };

export const tools = Object.keys(readings).map((name) => ({
  type: "function",
  function: {
    name,
    description: `The ${name} of a city.`,
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
}));

// Names of the error's class and its bases, then of what caused it.
function* classes(error) {
  for (; error instanceof Error; error = error.cause ?? error.lastError) {
    if (error.name !== "Error") yield error.name;
    for (let each = error.constructor; each?.name; each = Object.getPrototypeOf(each)) yield each.name;
  }
}

export async function serve(verbs) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { do: name, ...given } = JSON.parse(line);
    let said;
    try {
      said = { result: await verbs[name](given) };
    } catch (error) {
      const more = error.statusCode ? { status: error.statusCode, retryable: error.isRetryable } : {};
      said = { raised: [...classes(error)], said: `${error.message} ${JSON.stringify(more)}` };
    }
    process.stdout.write(`${JSON.stringify(said)}\n`);
  }
}
