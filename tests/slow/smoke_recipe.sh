#!/usr/bin/env bash
# Runs the smoke-test recipe of docs/operator.md, read from the page so that it cannot drift. Every line of it is a
# test: it succeeds or it does not. The last line is `N passed, N failed`.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Settings of whoever runs this would change what the recipe does.
for name in $(compgen -e ARTIFACTSTORE_); do unset "$name"; done

work=
server=
cleanup() {
  if [ -n "$server" ]; then kill -KILL "$server" 2>/dev/null; fi
  if [ -n "$work" ]; then rm -rf "$work"; fi
}
trap cleanup EXIT

recipe=$(awk '/^<!-- smoke-test-recipe -->$/ { found = 1; next } found && /^```sh$/ { inside = 1; next }
  inside && /^```$/ { exit } inside && !/^(#.*)?$/' docs/operator.md)

passed=0
failed=0
# Another descriptor: a command that reads its input must not eat the recipe.
while IFS= read -r line <&3; do
  [ -n "$line" ] || continue
  printf '$ %s\n' "$line"
  eval "$line" </dev/null
  status=$?
  if [ "$status" -eq 0 ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED with %s: %s\n' "$status" "$line"
  fi
done 3<<<"$recipe"

if [ $((passed + failed)) -lt 20 ]; then
  echo 'The recipe was not found in docs/operator.md, or most of it is gone'
  failed=$((failed + 1))
fi
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
