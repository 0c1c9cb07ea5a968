/** A story is a list of requests to an API server, each with what its answer must be. */
import assert from 'node:assert/strict';

/** One request of a story, and what is true of its answer. `{x}` in path and body stands for what was kept as x. */
export interface Step {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly status: number;
  /** Values at dotted paths of the body; undefined: nothing is there. */
  readonly facts?: Readonly<Record<string, unknown>>;
  /** What later steps may refer to: name → dotted path. */
  readonly keep?: Readonly<Record<string, string>>;
  /** For a watch: the types and names of the events, in their order. */
  readonly events?: readonly string[];
}

export interface Story {
  readonly name: string;
  readonly steps: readonly Step[];
}

/** Sends one request to the server under test. */
export type Send = (request: {
  readonly method: string;
  readonly path: string;
  readonly body: string | undefined;
  readonly contentType: string;
}) => Promise<{ readonly status: number; readonly text: string }>;

/** Plays one story against a server. */
export async function playStory(story: Story, send: Send): Promise<void> {
  const kept: Record<string, string> = { id: Math.random().toString(36).slice(2, 8) };
  for (const [index, step] of story.steps.entries()) {
    const path = filled(step.path, kept);
    const at = `step ${index + 1}, ${step.method} ${path}`;
    const body = typeof step.body === 'string' ? step.body : JSON.stringify(step.body);
    const contentType = step.contentType ?? 'application/json';
    const answer = await send({
      method: step.method,
      path,
      body: body === undefined ? undefined : filled(body, kept),
      contentType,
    });
    assert.equal(answer.status, step.status, `${at}: ${answer.text.slice(0, 300)}`);
    if (step.events !== undefined) {
      const lines = answer.text.split('\n').filter((line) => line !== '');
      assert.deepEqual(
        lines.map(eventText),
        step.events.map((text) => filled(text, kept)),
        at,
      );
      continue;
    }
    const parsed: unknown = step.facts || step.keep ? JSON.parse(answer.text) : undefined;
    for (const [field, expected] of Object.entries(step.facts ?? {})) {
      const value = valueAt(parsed, field);
      if (expected instanceof RegExp) assert.match(String(value), expected, `${at}: ${field}`);
      else assert.deepEqual(value, typeof expected === 'string' ? filled(expected, kept) : expected, `${at}: ${field}`);
    }
    for (const [name, field] of Object.entries(step.keep ?? {})) kept[name] = String(valueAt(parsed, field));
  }
}

function filled(text: string, kept: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => kept[name] ?? whole);
}

function valueAt(body: unknown, path: string): unknown {
  let value: unknown = body;
  for (const key of path.split('.')) value = (value as Record<string, unknown> | null | undefined)?.[key];
  return value;
}

function eventText(line: string): string {
  const { type, object } = JSON.parse(line);
  return `${type} ${type === 'ERROR' ? object.code : object.metadata.name}`;
}
