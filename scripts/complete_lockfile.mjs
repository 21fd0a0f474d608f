// Adds to package-lock.json the platform packages that `npm install` left out: `node scripts/complete_lockfile.mjs [--check]`.
//
// A native package names one optional package per platform. Where the registry in use does not carry them all (a
// mirror), npm writes a lockfile without the missing ones, and then `npm ci` refuses that very lockfile, everywhere
// ("Missing: ... from lock file"). Their versions are known from the package that names them, and the platform from
// their names, which is enough for `npm ci` to pass over them where they do not apply. Their `integrity` is not known.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const path = fileURLToPath(new URL("../package-lock.json", import.meta.url));
const lock = JSON.parse(readFileSync(path, "utf8"));
const added = [];

for (const [parent, { dev, optionalDependencies = {} }] of Object.entries(lock.packages)) {
  if (parent === "") continue;
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const key = `node_modules/${name}`;
    if (lock.packages[key]?.version !== undefined) continue;
    lock.packages[key] = { version, ...(dev ? { dev } : {}), optional: true, ...platformOf(name) };
    added.push(`${name}@${version}`);
  }
}

if (added.length > 0) {
  console.error(`package-lock.json lacked:\n  ${added.join("\n  ")}`);
  if (process.argv.includes("--check")) process.exit(1);
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
}

/** `@biomejs/cli-linux-arm64-musl` -> os linux, cpu arm64, libc musl. */
function platformOf(name) {
  const words = name.split("/").at(-1).split("-");
  const find = (known) => words.map((word) => known[word]).find((word) => word !== undefined);
  const os = find({
    android: "android",
    darwin: "darwin",
    freebsd: "freebsd",
    linux: "linux",
    win32: "win32",
    windows: "win32",
  });
  const cpu = find({
    arm: "arm",
    arm64: "arm64",
    aarch64: "arm64",
    ia32: "ia32",
    ppc64: "ppc64",
    riscv64: "riscv64",
    s390x: "s390x",
    x64: "x64",
  });
  const libc = find({ glibc: "glibc", gnu: "glibc", gnueabihf: "glibc", musl: "musl" });
  // Without a platform npm would try to install it everywhere.
  if (os === undefined || cpu === undefined) throw new Error(`${name} does not tell its platform; add it by hand`);
  return { cpu: [cpu], ...(libc ? { libc: [libc] } : {}), os: [os] };
}
