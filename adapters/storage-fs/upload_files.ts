/** The files of uploads in the staging directory: `<upload id>.<random>`, so that no two holders ever share a name. */
import { join } from "node:path";
import { RegistryError } from "../../core/base/errors.ts";
import type { StagedLeftover } from "../../core/spi/storage.ts";
import { type Blocking, NEVER, soon } from "./blocking.ts";
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

/** Above this, what is freed with the last name of a file takes its time. Bytes. */
const SMALL = 1024 * 1024;

export async function discardUploadFiles(root: string, id: string, writing: Blocking): Promise<void> {
  checkUploadId(id);
  for (const name of await uploadFiles(root, writing)) {
    if (!name.startsWith(`${id}.`)) continue;
    const path = join(root, STAGING, name);
    try {
      const { nlink, size } = await soon(
        writing,
        () => system.lstatSync(path),
        () => system.lstat(path),
      );
      await soon(
        nlink > 1 || size <= SMALL ? writing : NEVER,
        () => system.unlinkSync(path),
        () => system.unlink(path),
      );
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }
}

async function uploadFiles(root: string, writing: Blocking = NEVER): Promise<string[]> {
  const path = join(root, STAGING);
  try {
    const names = await soon(
      writing,
      () => system.readdirSync(path),
      () => system.readdir(path),
    );
    return names.filter(isUploadFile);
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
