/** What commands work with: the registry of this machine (`compose.ts`), or the one behind a server (`remote/`). */
import type {
  Caller,
  FileContent,
  FileEntry,
  ImageSource,
  OciAdministration,
  OciRegistry,
  Registry,
} from "../core/mod.ts";
import type { HealthReport } from "../core/spi/health.ts";
import type { RemoteBlob } from "./remote/images.ts";
import type { Server } from "./remote/server.ts";

/**
 * The use cases that commands reach over the network as well. The library's registry is one as it stands; so what a
 * command prints cannot depend on which of the two it was given.
 */
export type Door = Pick<
  Registry,
  | "createPackage"
  | "importOci"
  | "finalizePackage"
  | "abandonPackage"
  | "getPackage"
  | "listPackages"
  | "listFiles"
  | "getManifestBytes"
  | "verifyPackage"
  | "tailEvents"
  | "head"
  | "verifyEvents"
  | "inspect"
  | "fix"
> & {
  /** Whole and verified. */
  openFile(caller: Caller, entry: FileEntry, options?: { readonly verify?: boolean }): Promise<FileContent>;
  /** Of pulling: a blob comes as it comes, whoever reads it compares the digest. */
  readonly oci: ImageSource<RemoteBlob> &
    OciAdministration &
    Pick<OciRegistry, "getTagRules" | "setTagRules" | "previewTagRules">;
};

export interface Opened {
  readonly registry: Door;
  /** Where the registry is behind one. */
  readonly server?: Server;
  /** Behind a server only its signal counts: the server decides who calls. */
  readonly caller: Caller;
  /** `host/user/pid` for locks: who does what. */
  readonly holder: string;
  health(): Promise<HealthReport>;
  close(): Promise<void>;
}
