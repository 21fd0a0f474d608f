/**
 * What a push must remember to go on after its process was killed: a file of JSON lines, the first of which says whose
 * it is. It is written whole under another name first; what happens then is appended, line by line. A line that a kill
 * cut short is not there. Nothing in it is trusted: it only says where to look, and digests decide (docs/guides/push.md).
 */
import { createHash, randomUUID } from "node:crypto";
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { messageOf, RegistryError } from "../../core/mod.ts";

const VERSION = 1;

/** A file that the server has. */
export interface SentFile {
  readonly path: string;
  /** Of the file here, as it was read (`identityOf`). */
  readonly identity: string;
  readonly content_address: string;
  readonly executable: boolean;
  readonly deduplicated: boolean;
}

/** An upload that is under way. */
export interface BegunUpload {
  readonly path: string;
  readonly identity: string;
  readonly upload_id: string;
}

interface Head {
  readonly journal: number;
  readonly server: string;
  readonly directory: string;
  readonly begun: string;
  /** Of the request that makes the package. */
  readonly idempotency_key: string;
}

type Line =
  | { readonly package: string }
  | { readonly sent: SentFile }
  | { readonly upload: BegunUpload }
  | { readonly ended: string };

/** What makes two runs one push. */
export interface PushIdentity {
  readonly server: string;
  /** The real path. */
  readonly directory: string;
  /** Everything that the package will be made of besides its files. */
  readonly options: unknown;
}

export interface Journal {
  readonly begun: string;
  readonly idempotencyKey: string;
  readonly packageId: string | undefined;
  readonly sent: ReadonlyMap<string, SentFile>;
  readonly uploads: ReadonlyMap<string, BegunUpload>;
  notePackage(id: string): void;
  noteSent(file: SentFile): void;
  noteUpload(upload: BegunUpload): void;
  /** The upload of this path is over. */
  noteEnded(path: string): void;
  /** Forgets everything: another push begins. */
  startOver(): void;
  /** The push is over. */
  remove(): void;
  close(): void;
}

/** `$XDG_STATE_HOME/artifactstore/push`, made if it is missing, for nobody else to look into. */
export function stateFolder(env: Readonly<Record<string, string | undefined>>): string {
  const { XDG_STATE_HOME: given = "", HOME: home = "" } = env;
  // The XDG specification: a relative path is not valid, and to be ignored.
  const state = isAbsolute(given) ? given : join(isAbsolute(home) ? home : homedir(), ".local/state");
  const folder = join(state, "artifactstore/push");
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
  } catch (error) {
    throw new RegistryError(
      "storage_failed",
      `A push keeps its journal in ${folder}, which does not work: ${messageOf(error)}; set XDG_STATE_HOME to a directory that you may write to`,
      { folder },
    );
  }
  return folder;
}

export function journalName({ server, directory, options }: PushIdentity): string {
  const key = JSON.stringify([server, directory, options]);
  return createHash("sha256").update(key).digest("hex").slice(0, 32);
}

/** Goes on with what is there, or begins. `onAside` is told where a journal went that this program does not understand. */
export function openJournal(path: string, who: PushIdentity, onAside: (path: string) => void): Journal {
  let head: Head;
  let packageId: string | undefined;
  let fd: number | undefined;
  const sent = new Map<string, SentFile>();
  const uploads = new Map<string, BegunUpload>();

  function take(line: Line): void {
    if ("package" in line) packageId = line.package;
    else if ("sent" in line) {
      sent.set(line.sent.path, line.sent);
      uploads.delete(line.sent.path);
    } else if ("upload" in line) uploads.set(line.upload.path, line.upload);
    else if ("ended" in line) uploads.delete(line.ended);
  }

  /** The whole of it under another name, then in its place: also what was appended to a line without an end is gone. */
  function write(): void {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
    const lines: (Head | Line)[] = [head];
    if (packageId !== undefined) lines.push({ package: packageId });
    for (const file of sent.values()) lines.push({ sent: file });
    for (const upload of uploads.values()) lines.push({ upload });
    const fresh = `${path}.new`;
    rmSync(fresh, { force: true });
    fd = openSync(fresh, "ax", 0o600);
    for (const line of lines) append(line);
    fsyncSync(fd);
    renameSync(fresh, path);
  }
  function append(line: Head | Line): void {
    if (fd === undefined) return;
    try {
      writeSync(fd, `${JSON.stringify(line)}\n`);
    } catch (error) {
      // As it is, it would look like the fault of the file that was just sent.
      throw new RegistryError("storage_failed", `The journal ${path} cannot be written: ${messageOf(error)}`, { path });
    }
  }
  function note(line: Line): void {
    take(line);
    append(line);
  }
  function begin(): void {
    packageId = undefined;
    sent.clear();
    uploads.clear();
    head = { journal: VERSION, ...heading(who), begun: new Date().toISOString(), idempotency_key: randomUUID() };
    write();
  }

  const found = readLines(path);
  if (found !== undefined && !isHead(found[0], who)) {
    const aside = freeName(`${path}.not-understood`);
    renameSync(path, aside);
    onAside(aside);
  }
  if (found !== undefined && isHead(found[0], who)) {
    head = found[0];
    for (const line of found.slice(1)) if (isLine(line)) take(line);
    write();
  } else begin();

  return {
    get begun() {
      return head.begun;
    },
    get idempotencyKey() {
      return head.idempotency_key;
    },
    get packageId() {
      return packageId;
    },
    sent,
    uploads,
    notePackage: (id) => note({ package: id }),
    noteSent: (file) => note({ sent: file }),
    noteUpload: (upload) => note({ upload }),
    noteEnded: (ended) => note({ ended }),
    startOver: begin,
    remove() {
      rmSync(path, { force: true });
    },
    close() {
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
    },
  };
}

const heading = ({ server, directory }: PushIdentity) => ({ server, directory });

/** Undefined where there is none. A line that is no JSON ends it: it was being written. */
function readLines(path: string): unknown[] | undefined {
  if (!existsSync(path)) return undefined;
  const lines: unknown[] = [];
  for (const line of readFileSync(path, "utf8").split("\n")) {
    try {
      lines.push(JSON.parse(line));
    } catch {
      break;
    }
  }
  return lines;
}

function isHead(line: unknown, who: PushIdentity): line is Head {
  if (!isMap(line)) return false;
  const { journal, server, directory, begun, idempotency_key } = line;
  const ours = journal === VERSION && server === who.server && directory === who.directory;
  return ours && typeof begun === "string" && typeof idempotency_key === "string";
}

/** Shapes that a later version may have written are passed over: what is not known is sent again. */
function isLine(line: unknown): line is Line {
  if (!isMap(line)) return false;
  const { package: id, sent, upload, ended } = line;
  if (isMap(sent)) {
    return (
      allText(sent, "path", "identity", "content_address") &&
      typeof sent.executable === "boolean" &&
      typeof sent.deduplicated === "boolean"
    );
  }
  if (isMap(upload)) return allText(upload, "path", "identity", "upload_id");
  return typeof id === "string" || typeof ended === "string";
}

const isMap = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
const allText = (map: Record<string, unknown>, ...keys: string[]) => keys.every((key) => typeof map[key] === "string");

function freeName(path: string): string {
  for (let count = 1; ; count++) if (!existsSync(`${path}-${count}`)) return `${path}-${count}`;
}
