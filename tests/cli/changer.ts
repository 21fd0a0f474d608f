/**
 * Somebody else who works on the same files: `changer.ts <mode> <path> [<other>]`, until it is killed.
 * Prints `ready` after the first change.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, renameSync, writeSync } from "node:fs";

const [mode, path = "", other = ""] = process.argv.slice(2);

if (mode === "swap") {
  // <path> is a directory, <other> a link: they change places without end, for times that nobody can guess.
  const aside = `${other}.aside`;
  const stay = () => {
    const end = performance.now() + Math.random() * 0.5;
    while (performance.now() < end);
  };
  for (let turn = 0; ; turn++) {
    renameSync(path, aside);
    renameSync(other, path);
    stay();
    renameSync(path, other);
    renameSync(aside, path);
    stay();
    if (turn === 0) console.log("ready");
  }
}

const file = openSync(path, "r+");
const { size } = fstatSync(file);
for (let turn = 0; ; turn++) {
  if (mode === "grow") writeSync(file, "x", size + turn);
  else if (mode === "shrink") ftruncateSync(file, turn % 2 === 0 ? size - 1 : size);
  else writeSync(file, String(turn % 10), size - 1);
  if (turn === 0) console.log("ready");
  // One change, and then it is quiet.
  if (mode === "once") break;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
}
closeSync(file);
