/** Starts a server on a terminal of its own and types Ctrl-C once it listens: `ctrl_c.ts <command...>`. It has to end well. */
const command = process.argv.slice(2);
let seen = "";
const listens = Promise.withResolvers<void>();
const decoder = new TextDecoder();
const child = Bun.spawn(command, {
  terminal: {
    cols: 100,
    rows: 30,
    data(_, data) {
      seen += decoder.decode(data, { stream: true });
      if (/listens on http/.test(seen)) listens.resolve();
    },
  },
});
await Promise.race([listens.promise, child.exited]);
child.terminal?.write("\x03");
const code = await child.exited;
child.terminal?.close();
console.log(seen);
console.log(`ended with ${code}`);
process.exit(code === 0 ? 0 : 1);
