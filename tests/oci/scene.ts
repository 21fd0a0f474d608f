/** What the scenes of all clients share. */
import assert from "node:assert/strict";
import type { Run, ToolName } from "./tools.ts";

export interface Scene {
  readonly name: ToolName;
  /** `host:port` of the registry. */
  readonly host: string;
  /** A server of this checkout, and not a registry of others. */
  readonly ours: boolean;
  /** A folder of its own. */
  readonly home: string;
  readonly run: Run;
  /** One test: `<client> <sentence>`. Tells whether it passed. */
  step(sentence: string, work: () => void | Promise<void>): Promise<boolean>;
}

export const equal: typeof assert.deepEqual = assert.deepEqual;

const kinds = ["manifest", "index"].map((kind) => `application/vnd.oci.image.${kind}.v1+json`);
const docker = ["manifest", "manifest.list"].map((kind) => `application/vnd.docker.distribution.${kind}.v2+json`);

/** A GET below `/v2/`, asked without any client. */
export const get = (host: string, path: string): Promise<Response> =>
  fetch(`http://${host}/v2/${path}`, { headers: { accept: [...kinds, ...docker].join(", ") } });

export async function status(host: string, path: string): Promise<number> {
  const response = await get(host, path);
  await response.arrayBuffer();
  return response.status;
}

export async function json<T>(host: string, path: string): Promise<T> {
  const response = await get(host, path);
  if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

export const lines = (text: string): string[] =>
  text
    .trim()
    .split("\n")
    .filter((line) => line !== "");
