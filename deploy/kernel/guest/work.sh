# What a program does to a file system, as functions; each leaves nothing behind. Sourced after lib.sh. All work in the
# folder $there of the mount.
there=$mnt/work
tree=$(echo /usr/lib/python3.*)/asyncio

start_work() {
  rm -rf "$there"
  mkdir -p "$there" || fail "mkdir $there"
}

# fio writes blocks that carry their checksum and number, and reads them back, then once more from a cold cache.
fio_verified() { # fio_verified NAME SIZE OPTIONS...
  local name=$1 size=$2
  shift 2
  local all=(--name="$name" --directory="$there" --size="$size" --verify=crc32c --verify_fatal=1 --randseed=7 --minimal "$@")
  fio "${all[@]}" --do_verify=1 --end_fsync=1 >/tmp/fio || { cat /tmp/fio; fail "fio $name"; }
  forget_cache
  fio "${all[@]}" --verify_only >/tmp/fio || { cat /tmp/fio; fail "fio $name, read again"; }
  rm -f "$there/$name".*
  step "fio $name: $size written and verified twice"
}

fio_in_large_pieces() {
  fio_verified large "$1" --rw=write --bs=1m --direct=1 --ioengine=libaio --iodepth=4
  fio_verified buffered "$1" --rw=write --bs=64k --direct=0
}

fio_in_small_pieces() {
  fio_verified random "$1" --rw=randwrite --bs=4k-64k --direct=0
  fio_verified direct "$1" --rw=randwrite --bs=4k --direct=1 --ioengine=libaio --iodepth=16
  fio_verified mapped "$1" --rw=randwrite --bs=4k --ioengine=mmap
}

# A real tree of sources goes there as a stream, and is compared file by file from a cold cache.
source_tree() {
  tar -C "$tree" -cf - . | tar -C "$there" -xf - || fail 'tar'
  forget_cache
  diff -r "$tree" "$there" || fail 'the tree came back different'
  step "tree: $(find "$there" | wc -l) names, the same again"
  rm -rf "$there" || fail 'rm -r of the tree'
  mkdir "$there"
}

storm_of_names() {
  local count=$((3000 / ${SLOWER:-1}))
  python3 - "$there" "$count" <<'PY' || fail 'the storm of names'
import os, random, sys
os.chdir(sys.argv[1])
rng, there = random.Random(3), {}
for d in "abcd": os.mkdir(d)
def name(): return f"{rng.choice('abcd')}/{rng.randrange(60)}"
for step in range(int(sys.argv[2])):
    what, one, two = rng.random(), name(), name()
    if what < 0.4:
        with open(one, "w") as f: f.write(str(step))
        there[one] = str(step)
    elif what < 0.7 and one in there:
        os.rename(one, two); there[two] = there.pop(one)
    elif what < 0.8 and one in there and two not in there:
        os.link(one, two); os.unlink(one); there[two] = there.pop(one)
    elif one in there:
        os.unlink(one); del there[one]
found = sorted(f"{d}/{n}" for d in "abcd" for n in os.listdir(d))
assert found == sorted(there), (set(found) ^ set(there))
for path, content in there.items():
    with open(path) as f: assert f.read() == content, path
PY
  rm -rf "$there"/[abcd] || fail 'rm -r after the storm'
  step "names: $count creations, renames, links and removals, all as a list says"
}

# Sizes and holes without the operations that 4.2 added.
sizes_and_holes() {
  truncate -s 1G "$there/sparse"
  [ "$(stat -c %s "$there/sparse")" = 1073741824 ] || fail 'a sparse file of 1 GiB'
  printf end | dd of="$there/sparse" bs=1 seek=1073741821 conv=notrunc status=none
  printf middle | dd of="$there/sparse" bs=1 seek=500000000 conv=notrunc status=none
  forget_cache
  [ "$(tail -c 3 "$there/sparse")" = end ] || fail 'the end of a sparse file'
  [ "$(dd if="$there/sparse" bs=1 skip=500000000 count=6 status=none)" = middle ] || fail 'the middle of a sparse file'
  cmp -n 1000000 "$there/sparse" /dev/zero || fail 'a hole does not read zero'
  [ "$(stat -c %b "$there/sparse")" -lt 65536 ] || fail "a sparse file takes $(stat -c %b "$there/sparse") sectors"
  # What was cut off must read zero when the file grows again.
  head -c 300000 /dev/urandom >"$there/cut"
  head -c 100001 "$there/cut" >/tmp/cut
  truncate -s 100001 "$there/cut"
  truncate -s 300000 "$there/cut"
  truncate -s 300000 /tmp/cut
  forget_cache
  same "$there/cut" /tmp/cut
  rm "$there/sparse" "$there/cut"
  step 'sizes: sparse, cut and grown again'
}

# Pages written into holes through a layout, not committed, and no longer cached, are read back: by an open for both, by
# one for reading only, past the cache, and (in odd pieces) through the server. Nobody must call them holes while this
# client alone knows better. In the end some odd pieces are written through the server into space that it has ahead.
uncommitted_in_holes() {
  python3 - "$there/holes" <<'PY' || fail 'what was written and not committed reads different'
import ctypes, mmap, os, sys
libc = ctypes.CDLL(None, use_errno=True)
PAGE, PAGES, WRITE_AND_WAIT = 4096, 256, 7

def forget(file):
    """Writes dirty pages, which commits nothing, and drops them."""
    if libc.sync_file_range(file, ctypes.c_long(0), ctypes.c_long(0), WRITE_AND_WAIT):
        raise OSError(ctypes.get_errno(), "sync_file_range")
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)

def check(what, file, first):
    with mmap.mmap(-1, len(expected) - first * PAGE) as buffer:
        got = os.preadv(file, [buffer], first * PAGE)
        wrong = [first + at // PAGE for at in range(0, got, PAGE)
                 if buffer[at:at + PAGE] != expected[first * PAGE + at:first * PAGE + at + PAGE]]
        assert got == len(buffer) and not wrong, f"{what} from page {first} on: {got} bytes, pages {wrong} differ"

writer = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o644)
os.ftruncate(writer, PAGES * PAGE)
readers = {"open for both": writer, "open for reading": os.open(sys.argv[1], os.O_RDONLY),
           "past the cache": os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT)}
expected = bytearray(PAGES * PAGE)
for page in 10, 11, 40, 41, 100, 255:
    at = slice(page * PAGE, (page + 1) * PAGE)
    expected[at] = bytes([page]) * PAGE
    if page % 2:
        with mmap.mmap(writer, len(expected)) as view:
            view[at] = expected[at]
    else:
        os.pwrite(writer, expected[at], at.start)
    for first in 0, page - 1, page:
        for name, file in readers.items():
            forget(writer)
            check(f"page {page} written, {name}", file, first)
    forget(writer)
    assert os.pread(readers["past the cache"], 100, at.start + 50) == expected[at.start + 50:at.start + 150], page
straight = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
for page in range(PAGES, PAGES + 3):  # in a row, so that the server gives space ahead
    expected += bytes([page - PAGES + 1]) * PAGE
    with mmap.mmap(-1, PAGE) as buffer:
        buffer.write(expected[-PAGE:])
        os.pwritev(straight, [buffer], page * PAGE)
expected += bytes(50) + b"x" * 4046
os.pwrite(straight, b"x" * 4046, len(expected) - 4046)
for moment in "uncommitted", "committed":
    for name, file in readers.items():
        forget(writer)
        check(f"{moment}, {name}", file, 0)
    os.fsync(straight)
    os.fsync(writer)
PY
  forget_cache
  [ "$(tr -d '\0' <"$there/holes" | wc -c)" = $((9 * 4096 + 4046)) ] || fail 'what was committed is not there'
  rm "$there/holes"
  step 'uncommitted pages in holes, read back'
}

# What 4.2 added: space ahead, holes, where they are, copies by the server.
fallocate_and_copy() {
  fallocate -l 8M "$there/ahead" || fail 'fallocate'
  [ "$(stat -c %s "$there/ahead")" = 8388608 ] || fail 'fallocate does not grow the file'
  cmp -n 8388608 "$there/ahead" /dev/zero || fail 'space ahead does not read zero'
  head -c 8M /dev/urandom >/tmp/content
  dd if=/tmp/content of="$there/ahead" bs=1M conv=notrunc,fsync status=none
  fallocate --punch-hole -o 1000000 -l 3000000 "$there/ahead" || fail 'punch hole'
  dd if=/dev/zero of=/tmp/content bs=1000000 seek=1 count=3 conv=notrunc status=none
  forget_cache
  same "$there/ahead" /tmp/content
  python3 - "$there/ahead" "$there/copy" <<'PY' || fail 'SEEK_HOLE, SEEK_DATA or copy_file_range'
import os, sys
source = os.open(sys.argv[1], os.O_RDONLY)
hole = os.lseek(source, 0, os.SEEK_HOLE)
if hole < 8 << 20:  # a server may fill a hole with zeros instead
    data = os.lseek(source, hole, os.SEEK_DATA)
    assert 1_000_000 <= hole <= 1_003_520 + 4096 and 3_990_000 <= data <= 4_000_000, (hole, data)
    assert os.lseek(source, data, os.SEEK_HOLE) == 8 << 20
target = os.open(sys.argv[2], os.O_RDWR | os.O_CREAT, 0o644)
done = 0
while done < 8 << 20:
    moved = os.copy_file_range(source, target, (8 << 20) - done, done, done)
    assert moved > 0
    done += moved
PY
  forget_cache
  same "$there/copy" /tmp/content
  rm "$there/ahead" "$there/copy"
  step 'fallocate, punch hole, SEEK_HOLE, SEEK_DATA, copy_file_range'
}

random_operations() { # random_operations COUNT SEED FEATURES...
  local count=$1 seed=$2
  shift 2
  python3 ./random-ops.py "$there/random" "$count" "$seed" "$@" || fail "random operations with $*"
  rm "$there/random"
  step "random operations: $count with $*"
}
