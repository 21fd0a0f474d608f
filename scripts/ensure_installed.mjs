// Installs what package-lock.json pins, if it is not there yet. Runs before every npm script, on any Node from 18, with
// nothing installed: plain JavaScript, no dependency. When nothing is to do it reads two files and ends.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

// A folder may be named for the tests.
const root = process.argv[2] ? resolve(process.argv[2]) : fileURLToPath(new URL("..", import.meta.url));
const modules = join(root, "node_modules");
const marker = join(modules, ".artifact-store-lock");

const lockfile = read(join(root, "package-lock.json"));
if (lockfile === undefined) fail("package-lock.json is missing; check it out again");
const wanted = createHash("sha256").update(lockfile).digest("hex");

if (read(marker) !== wanted) {
  if (!matchesLockfile()) install();
  mkdirSync(modules, { recursive: true });
  writeFileSync(marker, wanted);
}

/** npm keeps its own list of what it installed; somebody may have run `npm ci` by hand. */
function matchesLockfile() {
  const installed = read(join(modules, ".package-lock.json"));
  if (installed === undefined) return false;
  const present = JSON.parse(installed).packages;
  return Object.entries(JSON.parse(lockfile).packages).every(([path, { version, integrity, optional }]) => {
    if (path === "") return true;
    const found = present[path];
    // Optional packages are built for other systems, most of them.
    if (found === undefined) return optional === true;
    return found.version === version && found.integrity === integrity && existsSync(join(root, path, "package.json"));
  });
}

function install() {
  console.error("artifactstore: installing the packages that package-lock.json pins (once)");
  // Bun, which runs everything, is a development dependency: also under NODE_ENV=production.
  const args = ["ci", "--no-audit", "--no-fund", "--include=dev", "--include=optional"];
  // npm run tells which npm it is; on Windows a command named npm is a batch file and needs a shell.
  const script = process.env.npm_execpath;
  const [command, first] = script?.endsWith(".js") ? [process.execPath, [script]] : ["npm", []];
  const { error, status, signal } = spawnSync(command, [...first, ...args], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: command === "npm" && process.platform === "win32",
  });
  if (error?.code === "ENOENT")
    fail("npm is not in PATH; install Node.js 24 with npm (https://nodejs.org), then try again");
  if (error) fail(`npm could not be started: ${error.message}`);
  if (signal) fail(`npm ci was ended by ${signal}; run the same command again`);
  if (status !== 0) {
    fail(
      `npm ci failed with exit code ${status}; its messages are above. Without network access, copy node_modules ` +
        "from a machine of the same kind where `npm ci` worked, then try again",
    );
  }
  finishBun();
}

/** The npm package `bun` fetches its program in an install script, and npm may be set up not to run those. */
function finishBun() {
  const works = () => spawnSync(join(modules, ".bin", "bun"), ["--version"], { stdio: "ignore" }).status === 0;
  const script = join(modules, "bun", "install.js");
  if (!existsSync(script) || works()) return;
  spawnSync(process.execPath, [script], { cwd: join(modules, "bun"), stdio: ["ignore", 2, 2] });
  if (!works()) fail("the package bun is installed but does not run here; try `npm rebuild bun`");
}

function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    return fail(`${path} cannot be read: ${error.message}`);
  }
}

function fail(message) {
  console.error(`artifactstore: ${message}`);
  process.exit(1);
}
