"""What schemathesis cannot know: how our bodies are made, that waiting takes time, that uploads are few."""

import gzip
import io
import tarfile
from collections import deque

import requests
import schemathesis
from hypothesis import strategies as st

# A poll that waits for a minute finds nothing that one of a second does not, and the hundredth nothing that the first did not.
MAX_WAIT = 1
MAX_WAITS = 60
# 100 uploads may be open; then all there is to see is 429, which a test of its own knows.
MAX_UPLOADS = 50
BINARY = ("application/partial-upload", "application/x-tar", "application/gzip", "application/zstd")

good = st.text("abcdef/", min_size=1, max_size=20).map(lambda text: f"t/{text.replace('//', '/').strip('/')}x")
odd = st.one_of(
    st.sampled_from(["a", "dir/b.txt", "results/junit.xml", "x" * 100, "dir/" + "y" * 200, "é"]),
    st.sampled_from(["../up", "/rooted", "a//b", "z" * 300]),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20),
)
kinds = st.sampled_from([tarfile.REGTYPE] * 6 + [tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])


@st.composite
def tars(draw):
    """Archives of a few members, at times cut or with a byte changed."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=draw(st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]))) as tar:
        paths = draw(st.sampled_from([good, good, odd]))
        for path in draw(st.lists(paths, max_size=4, unique=True)):
            member = tarfile.TarInfo(path)
            member.type = draw(kinds)
            member.mode = draw(st.sampled_from([0o644, 0o755]))
            content = draw(st.binary(max_size=600)) if member.type == tarfile.REGTYPE else b""
            member.size = len(content)
            if member.type in (tarfile.SYMTYPE, tarfile.LNKTYPE):
                member.linkname = draw(paths)
            tar.addfile(member, io.BytesIO(content))
    whole = out.getvalue()
    if draw(st.integers(0, 9)) == 0:
        whole = whole[: draw(st.integers(0, len(whole)))]
    if draw(st.integers(0, 9)) == 0 and whole:
        at = draw(st.integers(0, len(whole) - 1))
        whole = whole[:at] + bytes([whole[at] ^ draw(st.integers(1, 255))]) + whole[at + 1 :]
    return whole


def zstd(content):
    """RFC 8878: a frame of one segment with raw blocks."""
    blocks = [content[at : at + 100_000] for at in range(0, len(content), 100_000)] or [b""]
    frame = b"\x28\xb5\x2f\xfd\xa0" + len(content).to_bytes(4, "little")
    for at, block in enumerate(blocks):
        frame += (len(block) << 3 | (at == len(blocks) - 1)).to_bytes(3, "little") + block
    return frame


schemathesis.openapi.media_type("application/x-tar", tars())
schemathesis.openapi.media_type("application/gzip", st.one_of(tars().map(gzip.compress), st.binary(max_size=100)))
schemathesis.openapi.media_type("application/zstd", st.one_of(tars().map(zstd), st.binary(max_size=100)))


@schemathesis.serializer(*BINARY)
def as_it_is(_context, value):
    if isinstance(value, bytes):
        return value
    data = getattr(value, "data", value)
    return data if isinstance(data, bytes) else str(data).encode("utf-8", "surrogatepass")


@schemathesis.hook
def filter_failure(_context, failure, _case, response):
    """What is no fault, operation by operation or not: the run prints how many were dropped."""
    # A header that nobody knows is passed over (RFC 9110, section 5.1): no schema may forbid it.
    if "in header - object with unexpected properties" in failure.message:
        return False
    # The schema of a stream is of its whole text in OpenAPI 3.1; it is held against each event here, as 3.2 would.
    # tests/server/events_live.test.ts looks at the events.
    is_stream = response is not None and response.headers.get("content-type", [""])[0].startswith("text/event-stream")
    return not (is_stream and failure.title == "SSE event violates schema")


waits = 0


def wait_less(query):
    """Bounds a poll; what is no number is sent as it is."""
    global waits
    try:
        wait = int(query["wait"])
    except (KeyError, TypeError, ValueError):
        return
    if 0 < wait <= 60:
        waits += 1
        query["wait"] = MAX_WAIT if waits <= MAX_WAITS else 0


@schemathesis.hook
def before_call(_context, case, _kwargs):
    if case.operation.path == "/events" and isinstance(case.query, dict):
        wait_less(case.query)


open_uploads = deque()


@schemathesis.hook
def after_call(_context, case, response):
    if case.operation.label == "POST /uploads" and response.status_code == 201:
        location = response.headers["location"][0]
        open_uploads.append(requests.compat.urljoin(response.request.url, location))
        if len(open_uploads) > MAX_UPLOADS:
            requests.delete(open_uploads.popleft(), timeout=30)
