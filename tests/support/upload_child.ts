/**
 * A process that appends to an upload until it is killed, on any runtime.
 * `upload_child.ts <directory> <upload id> <offset>`: goes on with `pattern` bytes of the given offset, says `sending`,
 * then never ends: its source waits for ever after 80 MiB.
 */
import process from "node:process";
import { openLocal } from "../../adapters/local.ts";
import { uploadBytes } from "./upload_bytes.ts";

const [dir = "", uploadId = "", offset = "0"] = process.argv.slice(2);
const registry = await openLocal({ dir });

async function* endless(): AsyncGenerator<Uint8Array> {
  console.log("sending");
  const from = Number(offset);
  for (let at = 0; at < 80 * 1024 * 1024; at += 64 * 1024) yield uploadBytes(from + at, 64 * 1024);
  await new Promise(() => setInterval(() => {}, 1000));
}

await registry.appendUpload(registry.caller, { uploadId, offset: Number(offset), source: endless(), complete: false });
