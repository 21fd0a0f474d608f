/** A tar as a directory of its own, for as long as it is needed. Plain files and directories: an image layout has no others. */
import { mkdir, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { checkPath, type Limits, messageOf, RegistryError } from "../../core/mod.ts";
import { openArchive } from "../../core/packages/archive_source.ts";
import { TarReader } from "../../core/packages/archive_tar_read.ts";
import { cannotWrite, NEW_FILE, writeAll } from "../files/write_new.ts";
import { noLink } from "./layout.ts";

const CHUNK = 256 * 1024;

/**
 * Unpacks beside other temporary files (`TMPDIR`), runs `work`, and removes what it unpacked. gzip is known by its first
 * bytes.
 * @throws {RegistryError} `invalid_archive`, `limit_exceeded`, `unsupported` (links); what `work` throws
 */
export async function withUnpacked<T>(
  file: string,
  { limits, signal }: { readonly limits: Limits; readonly signal: AbortSignal },
  work: (directory: string) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "artifactstore-layout-")).catch((error) => {
    throw cannotWrite(tmpdir(), error);
  });
  try {
    await unpack(file, directory, limits, signal);
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function unpack(file: string, directory: string, limits: Limits, signal: AbortSignal): Promise<void> {
  const format = await formatOf(file);
  const tar = new TarReader(openArchive(chunksOf(file), { format, limits, zstd: undefined, signal }));
  try {
    for (let entry = await tar.next(); entry !== undefined; entry = await tar.next()) {
      if (tar.headers > limits.maxArchiveEntries * 2) throw tooMany(limits);
      const { path, kind, problem } = entry;
      if (kind === "directory") {
        if (path !== "") await mkdir(inside(directory, path), { recursive: true });
        continue;
      }
      if (kind !== "file") throw noLink(path);
      if (problem !== undefined)
        throw new RegistryError("invalid_archive", `${JSON.stringify(path)} ${problem}`, { path });
      await write(inside(directory, path), path, tar.body());
    }
  } finally {
    await tar.close();
  }
}

async function write(to: string, path: string, body: AsyncIterable<Uint8Array>): Promise<void> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    await mkdir(dirname(to), { recursive: true });
    handle = await open(to, NEW_FILE, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST" && (error as NodeJS.ErrnoException).code !== "ENOTDIR")
      throw cannotWrite(to, error);
    throw new RegistryError("invalid_archive", `${JSON.stringify(path)} is in the archive twice`, { path });
  }
  try {
    for await (const chunk of body) await writeAll(handle, chunk);
  } catch (error) {
    throw cannotWrite(to, error);
  } finally {
    await handle.close();
  }
}

/** @throws {RegistryError} `invalid_archive`: the path is the archive's, not the caller's */
function inside(directory: string, path: string): string {
  try {
    checkPath(path);
  } catch (error) {
    throw new RegistryError("invalid_archive", messageOf(error), { path }, error);
  }
  return join(directory, path);
}

async function formatOf(file: string): Promise<"tar" | "tar+gzip"> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b ? "tar+gzip" : "tar";
  } finally {
    await handle.close();
  }
}

async function* chunksOf(file: string): AsyncGenerator<Uint8Array> {
  const handle = await open(file);
  try {
    for (;;) {
      const { buffer, bytesRead } = await handle.read(new Uint8Array(CHUNK), 0, CHUNK, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

function tooMany({ maxArchiveEntries: limit }: Limits): RegistryError {
  const message = `An archive may have ${limit} names (limits.max_archive_entries); unpack it, and name the directory`;
  return new RegistryError("limit_exceeded", message, { limit });
}
