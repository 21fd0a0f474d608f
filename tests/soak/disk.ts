/**
 * A disk that can lose its power: ext4 in an image on a loop device, and the ioctl that shuts a filesystem down without
 * writing out its journal. What was not durable by then is gone at the next mount. Linux, root.
 */
import { dlopen } from "bun:ffi";
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, statfsSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atEnd, workspace } from "./rig.ts";

/** EXT4_IOC_SHUTDOWN, which is XFS_IOC_GOINGDOWN. */
const SHUTDOWN = 0x8004587d;
const NO_LOG_FLUSH = 2;
const MIB = 1024 * 1024;

export interface Disk {
  readonly path: string;
  /** The filesystem answers EIO from now on, and forgets. */
  cut(): void;
  /** Power is back: the journal is replayed. Nobody may use the disk meanwhile. */
  restart(): void;
}

function run(program: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr?.trim() || error?.message}`);
  return stdout.trim();
}

/** Why there can be no such disks here. */
export function whyNoDisks(): string | undefined {
  if (process.platform !== "linux") return "loop-mounted ext4 needs Linux";
  if (process.getuid?.() !== 0) return "mounting needs root";
  if (spawnSync("mkfs.ext4", ["-V"]).status !== 0) return "mkfs.ext4 is not installed (package e2fsprogs)";
  try {
    const disk = makeDisk("probe", 16);
    disk.cut();
    disk.restart();
    return undefined;
  } catch (error) {
    return `no loop device, mount or shutdown here: ${(error as Error).message}`;
  }
}

/** In memory where there is room: what is tested is what reaches the image, not how fast. */
function imageFolder(): string {
  const memory = "/dev/shm";
  if (!existsSync(memory)) return tmpdir();
  const { bavail, bsize } = statfsSync(memory);
  return bavail * bsize > 2048 * MIB ? memory : tmpdir();
}

let shutdown: ((fd: number) => number) | undefined;

function cutPower(fd: number): void {
  if (shutdown === undefined) {
    const how = new Uint32Array([NO_LOG_FLUSH]);
    const { symbols } = dlopen("libc.so.6", { ioctl: { args: ["int", "u64", "ptr"], returns: "int" } });
    shutdown = (descriptor) => symbols.ioctl(descriptor, SHUTDOWN, how);
  }
  if (shutdown(fd) !== 0) throw new Error("the filesystem does not know how to shut down");
}

/** Made, mounted, and taken away again when the script ends. */
export function makeDisk(label: string, mebibytes: number): Disk {
  const image = join(workspace(`image-${label}`, imageFolder()), "disk");
  const path = join(workspace(label), "disk");
  mkdirSync(path);
  writeFileSync(image, "");
  truncateSync(image, mebibytes * MIB);
  run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", image);
  let device: string | undefined;
  let mounted = false;
  // A loop device of its own for each mount: `mount -o loop` would use the old one again if another mount namespace
  // still holds it, and with it the filesystem that was shut down.
  const attach = () => {
    device = run("losetup", "--find", "--show", image);
    run("mount", "-o", "noatime", device, path);
    mounted = true;
  };
  const detach = () => {
    if (mounted) run("umount", path);
    mounted = false;
    if (device !== undefined) run("losetup", "--detach", device);
    device = undefined;
  };
  atEnd(detach);
  attach();
  return {
    path,
    cut() {
      const fd = openSync(path, "r");
      try {
        cutPower(fd);
      } finally {
        closeSync(fd);
      }
    },
    restart() {
      detach();
      attach();
    },
  };
}
