"""Random operations on one file, compared with an array of bytes after each that reads.

    random-ops.py FILE OPERATIONS SEED [FEATURE...]

FEATURE, each adding operations: direct, mmap, fallocate, punch, copy. Ends with status 1 at the first difference, having
printed the last operations. The same seed does the same.
"""
import ctypes
import errno
import mmap
import os
import random
import sys

PAGE = 4096
LARGEST = 2 << 20
KEEP_SIZE, PUNCH_HOLE = 1, 2
libc = ctypes.CDLL(None, use_errno=True)


class File:
    def __init__(self, path, rng):
        self.path, self.rng = path, rng
        self.model = bytearray()
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        self.direct = None

    def range(self, limit, align=1):
        offset = self.rng.randrange(0, max(limit, 1)) // align * align
        length = max(align, int(2 ** self.rng.uniform(0, 17)) // align * align)
        return offset, min(length, LARGEST - offset)

    def put(self, offset, data):
        if offset + len(data) > len(self.model):
            self.model.extend(bytes(offset + len(data) - len(self.model)))
        self.model[offset:offset + len(data)] = data

    def check(self, offset, got, expected):
        if got != expected:
            at = next((i for i, (a, b) in enumerate(zip(got, expected)) if a != b), min(len(got), len(expected)))
            raise AssertionError(f"at {offset + at}: {got[at:at + 16].hex()} where {expected[at:at + 16].hex()} was "
                                 f"expected; {len(got)} of {len(expected)} bytes")

    def write(self):
        offset, length = self.range(LARGEST)
        data = self.rng.randbytes(length)
        os.pwrite(self.fd, data, offset)
        self.put(offset, data)
        return offset, length

    def append(self):
        offset = len(self.model)
        data = self.rng.randbytes(min(self.rng.randrange(1, 9000), LARGEST - offset))
        os.pwrite(self.fd, data, offset)
        self.put(offset, data)
        return offset, len(data)

    def read(self):
        offset, length = self.range(len(self.model))
        self.check(offset, os.pread(self.fd, length, offset), self.model[offset:offset + length])
        return offset, length

    def truncate(self):
        size = self.rng.randrange(LARGEST) if self.rng.random() < 0.3 else self.rng.randrange(len(self.model) + 1)
        os.ftruncate(self.fd, size)
        if size < len(self.model):
            del self.model[size:]
        else:
            self.model.extend(bytes(size - len(self.model)))
        return size,

    def fsync(self):
        os.fsync(self.fd)
        return ()

    def reopen(self):
        """Closes, forgets what is cached, opens, and reads all of it."""
        os.close(self.fd)
        if self.direct is not None:
            os.close(self.direct)
            self.direct = None
        with open("/proc/sys/vm/drop_caches", "w") as drop:
            drop.write("1")
        self.fd = os.open(self.path, os.O_RDWR)
        if os.fstat(self.fd).st_size != len(self.model):
            raise AssertionError(f"size {os.fstat(self.fd).st_size} where {len(self.model)} was expected")
        self.check(0, os.pread(self.fd, len(self.model) + 1, 0), self.model)
        return ()

    # direct: whole pages, past the page cache

    def direct_fd(self):
        if self.direct is None:
            self.direct = os.open(self.path, os.O_RDWR | os.O_DIRECT)
        return self.direct

    def direct_write(self):
        offset, length = self.range(LARGEST, PAGE)
        with mmap.mmap(-1, length) as buffer:
            buffer.write(self.rng.randbytes(length))
            os.pwritev(self.direct_fd(), [buffer], offset)
            self.put(offset, buffer[:])
        return offset, length

    def direct_read(self):
        offset, length = self.range(len(self.model), PAGE)
        with mmap.mmap(-1, length) as buffer:
            got = os.preadv(self.direct_fd(), [buffer], offset)
            self.check(offset, buffer[:got], self.model[offset:offset + length])
        return offset, length

    # mmap

    def map_write(self):
        if not self.model:
            return ()
        offset, length = self.range(len(self.model))
        length = min(length, len(self.model) - offset)
        data = self.rng.randbytes(length)
        with mmap.mmap(self.fd, len(self.model)) as view:
            view[offset:offset + length] = data
        self.put(offset, data)
        return offset, length

    def map_read(self):
        if not self.model:
            return ()
        offset, length = self.range(len(self.model))
        with mmap.mmap(self.fd, len(self.model), prot=mmap.PROT_READ) as view:
            self.check(offset, view[offset:offset + length], self.model[offset:offset + length])
        return offset, length

    # what NFSv4.2 added

    def fallocate_mode(self, mode, offset, length):
        if libc.fallocate(self.fd, mode, ctypes.c_long(offset), ctypes.c_long(length)) != 0:
            raise OSError(ctypes.get_errno(), f"fallocate mode {mode}")

    def fallocate(self):
        offset, length = self.range(LARGEST)
        self.fallocate_mode(0, offset, length)
        self.put(len(self.model), bytes(max(0, offset + length - len(self.model))))
        return offset, length

    def punch(self):
        offset, length = self.range(len(self.model))
        self.fallocate_mode(PUNCH_HOLE | KEEP_SIZE, offset, length)
        end = min(offset + length, len(self.model))
        self.model[offset:end] = bytes(max(0, end - offset))
        return offset, length

    def copy(self):
        source, length = self.range(len(self.model))
        length = min(length, len(self.model) - source)
        target, room = self.range(LARGEST)
        length = min(length, room)
        if length <= 0 or (source < target + length and target < source + length):
            return ()
        copied = os.copy_file_range(self.fd, self.fd, length, source, target)
        self.put(target, bytes(self.model[source:source + copied]))
        return source, target, length, copied

    # weights: how often, relative to each other
    ALWAYS = [("write", 10), ("append", 4), ("read", 12), ("truncate", 3), ("fsync", 1), ("reopen", 1)]
    FEATURES = {
        "direct": [("direct_write", 5), ("direct_read", 5)],
        "mmap": [("map_write", 5), ("map_read", 5)],
        "fallocate": [("fallocate", 2)],
        "punch": [("punch", 3)],
        "copy": [("copy", 3)],
    }


def main(path, operations, seed, *features):
    rng = random.Random(int(seed))
    file = File(path, rng)
    table = list(File.ALWAYS)
    for feature in features:
        table += File.FEATURES[feature]
    names, weights = zip(*table)
    done = []
    for number in range(int(operations)):
        name = rng.choices(names, weights)[0]
        done.append(f"{number} {name} starts with size {len(file.model)}")
        try:
            done.append(f"{number} {name} {getattr(file, name)()}")
        except (AssertionError, OSError) as failure:
            print("\n".join(done[-40:]))
            code = errno.errorcode.get(failure.errno, "") if isinstance(failure, OSError) else ""
            sys.exit(f"random-ops: seed {seed}, operation {number}, {name}: {failure} {code}")
    file.reopen()
    print(f"random-ops: {operations} operations, seed {seed}: every byte as it should be")


main(*sys.argv[1:])
