#!/usr/bin/env bash
# What a newcomer does: clone, `npm start`, the line it says to try, Ctrl-C, `npm test`. With the node and npm of the
# system and nothing installed. Needs the package registry that npm is set up for. Last line: `N passed, N failed`.
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$root/tests/support/checks.sh"

work=$(mktemp -d)
starter=
cleanup() {
  if [ -n "$starter" ]; then kill -KILL "-$starter" 2>/dev/null; fi
  rm -rf "$work"
}
trap cleanup EXIT

# No Node of ours in front: the checkout that runs this has put its own there, and so does npm for its scripts.
node=/usr/bin/node
[ -x "$node" ] || node=$(command -v node)
export PATH="$(dirname "$node"):/usr/local/bin:/usr/bin:/bin"
for name in $(compgen -e npm_ || true); do
  case $name in npm_config_registry | npm_config_cafile) ;; *) unset "$name" ;; esac
done
printf 'node %s, npm %s\n' "$(node --version)" "$(npm --version)"

git clone --quiet --no-hardlinks "$root" "$work/clone" || { echo '0 passed, 1 failed'; exit 1; }
cd "$work/clone" || exit 1

said() { grep -Eq -- "$1" "$work/log"; }
silent() { ! grep -Eq -- "$1" "$work/log"; }
gone() { ! kill -0 "$1" 2>/dev/null; }
absent() { [ ! -e "$1" ]; }
url() { sed -nE 's/.* listens on (http[^ ]+)$/\1/p' "$work/log" | head -n 1; }

# start COMMAND...: in a session of its own, until it says where it listens.
start() {
  : >"$work/log"
  ARTIFACTSTORE_LISTEN=127.0.0.1:0 setsid "$@" >"$work/log" 2>&1 &
  starter=$!
  until [ -n "$(url)" ] || gone "$starter"; do sleep 0.1; done
}

# stop SIGNAL: to npm alone, as a supervisor does. npm has to pass it on.
stop() {
  kill "-$1" "$starter"
  for _ in $(seq 200); do
    if gone "$starter" && ! curl -s -o "$work/answer" "$(url)/health"; then return; fi
    sleep 0.1
  done
  kill -KILL "-$starter"
  return 1
}

began=$SECONDS
start npm start
printf 'npm start listened after %s s\n' "$((SECONDS - began))"
check 'npm start installs what is missing' said 'installing the packages that package-lock.json pins'
check 'says where it listens' said '^artifactstore [0-9.]+ \([0-9a-f]{12}\) listens on http://127\.0\.0\.1:[0-9]+$'
check 'says one line to try' said '^  try: curl http://127\.0\.0\.1:[0-9]+/health$'
try=$(sed -nE 's/^  try: //p' "$work/log")
check 'that line works' bash -c "$try --silent --fail --output '$work/health'"
check 'health tells registry, database, storage, hashing, runtime and version' node -e '
  const h = JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8"));
  const wanted = h.status === "ok" && /^[0-9a-f]{12}$/.test(h.commit) && h.version && h.registry.ok && h.registry.head.sequence > 0
    && h.database.kind === "sqlite" && h.database.synchronous === "FULL" && h.storage[0].writable
    && h.storage[0].free_bytes > 0 && h.hasher.kernel && h.runtime.name === "bun";
  if (!wanted) { console.error(h); process.exit(1); }' "$work/health"
check 'data lies in ./data' test -f data/artifact-store.db
check 'npm passes SIGTERM on' stop TERM
check 'the database was closed, not dropped' absent data/artifact-store.db-wal
check 'the checkout is clean' test -z "$(git status --porcelain)"

start npm start
check 'a second start installs nothing' silent 'installing'
check 'a command beside the server works' node_modules/.bin/bun cli/main.ts ingest docs --name demo --version 1 --retention-class working
check 'and gives back what it took' node_modules/.bin/bun cli/main.ts fetch demo@1 "$work/out"
check 'byte for byte' diff -r docs "$work/out"
check 'npm passes SIGINT on' stop INT
check 'and the database was closed again' absent data/artifact-store.db-wal

ARTIFACTSTORE_LISTEN=127.0.0.1:0
export ARTIFACTSTORE_LISTEN
check 'Ctrl-C on a terminal ends npm start' node_modules/.bin/bun tests/slow/ctrl_c.ts npm start
check 'and closes the database, though npm passes the same signal on' absent data/artifact-store.db-wal
check 'Ctrl-C on a terminal ends npm run dev' node_modules/.bin/bun tests/slow/ctrl_c.ts npm run dev
unset ARTIFACTSTORE_LISTEN

quiet() { "$@" >"$work/log" 2>&1 || { printf 'ended with %s:\n' "$?"; tail -n 20 "$work/log"; return 1; }; }
check 'npm run migrate' quiet npm run migrate
refused() { ! "$@" >"$work/log" 2>&1; }
check 'npm run migrate:fresh refuses a log that is not empty' refused npm run migrate:fresh
check 'and says what to type' said 'destroy [0-9]+ events'
check 'npm run build' quiet npm run build
check 'the single file knows the commit' bash -c '[ "$(dist/artifactstore --version)" = "artifactstore $(node -p "require(\"./package.json\").version") ($(git describe --always --abbrev=12 --exclude="*"))" ]'
printf 'import { test } from "bun:test";\ntest("slow", () => { throw new Error("it ran"); });\n' >tests/slow/never.test.ts
check 'npm test runs tests, and leaves the slow ones out' quiet npm test -- tests/core/base tests/slow
check 'which run when they are named' refused node_modules/.bin/bun test tests/slow/never.test.ts
check 'by what they say' said 'it ran'
finish
