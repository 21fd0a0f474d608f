/** The files of uploads in the staging directory: `<upload id>.<random>`, so that no two holders ever share a name. */
import { join } from "node:path";
import { RegistryError } from "../../core/base/errors.ts";
import type { StagedLeftover } from "../../core/spi/storage.ts";
import { isAbsent } from "./errors.ts";
import { STAGING } from "./layout.ts";
import * as system from "./system.ts";

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const SPLIT = 36;
export function checkUploadId(id: string): string {
  if (typeof id === "string" && UUID.test(id)) return id;
  throw new RegistryError("invalid_argument", "The id of an upload is a UUID in lower case", {
    id: String(id).slice(0, 64),
  });
}

export function isUploadFile(name: string): boolean {
  return name.length === 2 * SPLIT + 1 && name[SPLIT] === "." && UUID.test(name.slice(0, SPLIT));
}

export async function listUploadFiles(root: string, before: number): Promise<readonly StagedLeftover[]> {
  const found = new Map<string, { id: string; size: number; modified_at: number }>();
  for (const name of (await uploadFiles(root)).sort()) {
    try {
      const { size, mtimeMs } = await system.lstat(join(root, STAGING, name));
      const id = name.slice(0, SPLIT);
      const upload = found.get(id) ?? { id, size: 0, modified_at: 0 };
      found.set(id, {
        id,
        size: upload.size + size,
        modified_at: Math.max(upload.modified_at, Math.floor(mtimeMs)),
      });
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }
  return [...found.values()].filter(({ modified_at }) => modified_at < before);
}

export async function discardUploadFiles(root: string, id: string): Promise<void> {
  checkUploadId(id);
  for (const name of await uploadFiles(root)) {
    if (!name.startsWith(`${id}.`)) continue;
    try {
      await system.unlink(join(root, STAGING, name));
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }
}

async function uploadFiles(root: string): Promise<string[]> {
  try {
    return (await system.readdir(join(root, STAGING))).filter(isUploadFile);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

export function gone(id: string): RegistryError {
  return new RegistryError("object_missing", "Stored bytes of this upload are gone; begin a new one", {
    upload_id: id.slice(0, 64),
  });
}
