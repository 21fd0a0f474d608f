// Writes tests/vectors/glob.jsonl: what Go's path.Match says of many patterns and names, a pattern a line.
//
//	go run tests/core/base/glob_vectors/main.go > tests/vectors/glob.jsonl
//
// The same numbers every time, so what changes in the file is what changed here, or in Go. With a number as its argument it
// makes up others, for tests/slow/glob.sh.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

type vector struct {
	Pattern string   `json:"pattern"`
	Bad     bool     `json:"bad,omitempty"`
	Matches []string `json:"matches,omitempty"`
	Misses  []string `json:"misses,omitempty"`
}

// Patterns that one would write, or get wrong.
var patterns = []string{
	"", "*", "**", "?", "a", "a*", "*a", "*a*", "a/*", "*/a", "a/*/b", "**/a", "a/**", "acme/*", "acme/*/*", "v*",
	"v[0-9]*", "v[0-9].[0-9]", "v[^0-9]*", "release-*", "*-rc?", "[a-c]", "[^a-c]", "[/]", "[^a]", "a[/]b", "a[^x]b",
	"*[a/]*b", "*[^b]b", "\\*", "\\?", "\\[", "\\a", "\\\\", "\\é", "[\\]]", "[\\-]", "[\\^]", "[^^]", "[a^]", "[[]",
	"[*]", "[?]", "[]", "[^]", "[", "[^", "[a", "[a-", "[a-]", "[-a]", "[-]", "[]a]", "[a-b-c]", "[z-a]", "a[", "*[",
	"[a]]", "]", "a]b", "\\", "a\\", "*\\", "[\\", "[a\\", "[a\\]", "[a-\\", "[a-\\]]", "é", "[é]", "[^é]", "[à-ü]",
	"*??", "*???", "????", "*[^a]", "☺*", "*☺", "?☺?", "[☺-😀]", "*a*a*a*b", "a?c/d*f", "�", "[�]", "*[�]", "*\uFFFD",
	"*[", "x[", "x*[", "x*[a-]", "a*\\", "*a[b", "[a-z]*[", "-", "^", "^a", "[!a]", "{a,b}", "\x00", "[\x00-\x7f]",
}

var names = []string{
	"", "a", "b", "/", "a/b", "a/", "/a", "a/x/b", "acme/app", "acme/team/app", "v1", "v1.2", "v1.2.3", "vx", "latest",
	"release-1", "1.0-rc1", "*", "?", "[", "]", "\\", "-", "^", "é", "☺", "😀", "x☺y", "aaaaab", "aaaaaa", "abc/def",
	"a*", "**", "!", "{a,b}", "�", "é/a", "a]b", "aéb", "ab", "ba", "\x00",
}

var pieces = []string{
	"a", "b", "a", "b", "-", ".", "/", "é", "☺", "😀", "]", "^", "*", "*", "*", "?", "?", "[ab]", "[^a]", "[^a/]",
	"[a-c]", "[^a-c]", "[é-☺]", "[^☺]", "[/-b]", "[\\]^]", "\\*", "\\[", "\\é", "\\\\",
}

var broken = []string{"[", "[]", "[^]", "[a", "[a-]", "[-a]", "[a--b]", "\\", "[\\", "[^a-"}

var letters = []string{"a", "b", "a", "b", "c", "-", ".", "/", "é", "☺", "😀", "]", "^", "*", "\\"}

// xorshift32
var state uint32 = 0x9e3779b9

func below(n int) int {
	state ^= state << 13
	state ^= state >> 17
	state ^= state << 5
	return int(state % uint32(n))
}

func pick(from []string) string { return from[below(len(from))] }

func some(from []string, atMost int) string {
	var out strings.Builder
	for n := below(atMost + 1); n > 0; n-- {
		out.WriteString(pick(from))
	}
	return out.String()
}

// A pattern, and a name that is near to what it takes.
func generated() (string, func() string) {
	var made []string
	for n := 1 + below(7); n > 0; n-- {
		made = append(made, pick(pieces))
	}
	if below(8) == 0 {
		made[below(len(made))] = pick(broken)
	}
	near := func() string {
		var out strings.Builder
		for _, piece := range made {
			switch {
			case piece == "*":
				out.WriteString(some(letters, 3))
			case piece == "?" || piece[0] == '[':
				out.WriteString(pick(letters))
			case piece[0] == '\\':
				out.WriteString(piece[1:])
			default:
				out.WriteString(piece)
			}
		}
		if below(4) == 0 {
			return some(letters, 1) + out.String() + some(letters, 1)
		}
		return out.String()
	}
	return strings.Join(made, ""), near
}

func main() {
	if len(os.Args) > 1 {
		seed, err := strconv.ParseUint(os.Args[1], 10, 31)
		if err != nil {
			panic(err)
		}
		state ^= uint32(seed)
	}
	known := map[string]map[string]bool{}
	ask := func(pattern, name string) {
		if !utf8.ValidString(pattern) || !utf8.ValidString(name) {
			panic("JSON cannot hold it")
		}
		if known[pattern] == nil {
			known[pattern] = map[string]bool{}
		}
		known[pattern][name] = true
	}
	for _, pattern := range patterns {
		for _, name := range names {
			ask(pattern, name)
		}
	}
	for i := 0; i < 900; i++ {
		pattern, near := generated()
		for j := 0; j < 8; j++ {
			ask(pattern, near())
		}
		ask(pattern, some(letters, 6))
		ask(pattern, pick(names))
	}

	pairs := 0
	var vectors []vector
	for pattern, asked := range known {
		v := vector{Pattern: pattern}
		bad := 0
		for name := range asked {
			matched, err := path.Match(pattern, name)
			switch {
			case err != nil:
				bad++
			case matched:
				v.Matches = append(v.Matches, name)
			default:
				v.Misses = append(v.Misses, name)
			}
		}
		if bad != 0 && bad != len(asked) {
			panic(fmt.Sprintf("%q is malformed for some names only", pattern))
		}
		v.Bad = bad > 0
		sort.Strings(v.Matches)
		sort.Strings(v.Misses)
		pairs += len(asked)
		vectors = append(vectors, v)
	}
	sort.Slice(vectors, func(i, j int) bool { return vectors[i].Pattern < vectors[j].Pattern })

	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encode(encoder, map[string]any{"by": "path.Match of " + runtime.Version(), "pairs": pairs})
	for _, v := range vectors {
		encode(encoder, v)
	}
}

func encode(encoder *json.Encoder, line any) {
	if err := encoder.Encode(line); err != nil {
		panic(err)
	}
}
