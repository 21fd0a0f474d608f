/** Another process that holds SQLite's write lock: `bun hold_lock.ts <file> <ms>`. Says "held" when it has it. */
import { DatabaseSync } from "node:sqlite";

const [path, milliseconds] = process.argv.slice(2) as [string, string];
const db = new DatabaseSync(path, { timeout: 5000 });
db.exec("begin immediate");
console.log("held");
setTimeout(() => {
  db.exec("commit");
  db.close();
}, Number(milliseconds));
