/** Certificate and key from files, and again when they change. */
import { readFileSync, statSync } from "node:fs";
import { messageOf, RegistryError } from "../core/base/errors.ts";
import type { Certificate } from "../core/spi/runtime.ts";

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** Milliseconds between two looks. A look is two `stat`s; what watches files differs by runtime and file system. */
const LOOK_EVERY = 5_000;

/** @throws {RegistryError} `config_invalid` */
export function readCertificate({ cert, key }: TlsFiles): Certificate {
  return { cert: readPem("tls_cert", cert), key: readPem("tls_key", key) };
}

function readPem(name: "tls_cert" | "tls_key", path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new RegistryError("config_invalid", `server.${name} cannot be read: ${messageOf(error)}`);
  }
  if (!text.includes("-----BEGIN ")) {
    throw new RegistryError("config_invalid", `server.${name} is ${path}, which is no PEM file (-----BEGIN ...)`);
  }
  return text;
}

export interface Watch {
  /** Looks now, and takes what is there even if it seems unchanged. */
  reload(): void;
  stop(): void;
}

/**
 * `take` gets each new pair; what it or reading throws goes to `refused`, and the old pair stays. Whoever replaces two
 * files does it one after the other: a pair that does not fit is tried again at the next look.
 */
export function watchCertificate(
  files: TlsFiles,
  take: (pair: Certificate) => void,
  refused: (error: unknown) => void,
): Watch {
  let taken = stampOf(files);
  let complained = "";
  const reload = (stamp = stampOf(files)) => {
    try {
      take(readCertificate(files));
      taken = stamp;
      complained = "";
    } catch (error) {
      if (complained !== stamp) refused(error);
      complained = stamp;
    }
  };
  const timer = setInterval(() => {
    const stamp = stampOf(files);
    if (stamp !== taken) reload(stamp);
  }, LOOK_EVERY);
  return { reload: () => reload(), stop: () => clearInterval(timer) };
}

/** Links are followed: certbot and Kubernetes change where they point. */
function stampOf({ cert, key }: TlsFiles): string {
  return [cert, key]
    .map((path) => {
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat === undefined ? "none" : `${stat.dev}.${stat.ino}.${stat.size}.${stat.mtimeMs}`;
    })
    .join(" ");
}
