# frozen.sh ME OTHER: the first machine stands still in the middle of writing to a disk; the second wants the file and gets
# it once the first is fenced. What the first still sends to the disk when it goes on is refused; its program sees no error.
. ./lib.sh
. ./work.sh
me=$1 other=$2
lease=10
size=$((16 << 20))

log_in
mount_pnfs 4.2 noac,lookupcache=none /mnt/meeting
mount_pnfs 4.2
mkdir -p "$there"

cat >/tmp/over.py <<'PY'
"""over.py FILE BYTE LOG: four threads write over all of FILE again and again, directly and in pieces so large that some
are always on their way; the number of each pass goes to LOG, until LOG.enough is there."""
import mmap, os, sys, threading
THREADS = 4
path, byte, log = sys.argv[1], int(sys.argv[2]), sys.argv[3]
file = os.open(path, os.O_RDWR | os.O_DIRECT)
share = os.fstat(file).st_size // THREADS
passes = open(log, "w", buffering=1)
failed = []

def write(thread):
    try:
        with mmap.mmap(-1, share) as piece:
            piece.write(bytes([byte]) * share)
            number = 0
            while not os.path.exists(log + ".enough"):
                assert os.pwritev(file, [piece], thread * share) == share
                if thread == 0:
                    print(number, file=passes)
                number += 1
    except Exception as error:
        failed.append(error)

threads = [threading.Thread(target=write, args=(thread,)) for thread in range(THREADS)]
for thread in threads: thread.start()
for thread in threads: thread.join()
if failed: sys.exit(f"{failed}")
PY
passes() { [ "$(wc -l </tmp/passes)" -ge "$1" ]; }

if [ "$me" = first ]; then
  head -c $size /dev/zero | tr '\0' a >"$there/file"
  sync "$there/file"
  python3 /tmp/over.py "$there/file" 98 /tmp/passes 2>/tmp/complaint &
  writer=$!
  within 60 passes 3 || fail "the first does not write: $(cat /tmp/complaint)"
  [ "$(count WRITE)" = 0 ] || fail "the first does not write to the disk: $(operations)"
  refused=$(dmesg | grep -c 'reservation conflict')
  meet_at 'the first writes'
  # Here it stands still, and here it goes on.
  within 120 sh -c "[ \$(dmesg | grep -c 'reservation conflict') -gt $refused ]" || fail 'a late write was not refused'
  step 'a late write was refused'
  refused=$(date +%s%N)
  # What was under way at the fence has been answered too: long before the disks' timeouts, thirty seconds each.
  within 60 passes $(($(wc -l </tmp/passes) + 2)) || fail "the first does not go on: $(cat /tmp/complaint)"
  measured 'two-passes-after-the-fence' "$((($(date +%s%N) - refused) / 1000000)) ms"
  touch /tmp/passes.enough
  wait $writer || fail "the program of the first saw it: $(cat /tmp/complaint)"
  meet_at 'the first has gone on'
  written=$(count WRITE)
  dd if=/dev/urandom of="$there/new" bs=1M count=4 conv=fsync status=none || fail 'a new file'
  [ "$(count WRITE)" = "$written" ] || fail "the first writes no more to disks: $(operations)"
  step 'a new file goes straight to the disks again'
else
  meet_at 'the first writes'
  host_does freeze first
  begun=$(date +%s%N)
  head -c $size /dev/zero | tr '\0' c >/tmp/content
  dd if=/tmp/content of="$there/file" bs=64k oflag=direct conv=notrunc,fsync status=none || fail 'the second does not get the file'
  took=$((($(date +%s%N) - begun) / 1000000))
  measured 'taken-from-the-frozen' "$took ms"
  # A lease, and Linux asks again after pauses that double.
  [ $took -lt $((3 * lease * 1000)) ] || fail "the file was there only after $took ms"
  echo '@@fenced'
  step 'the second has the file'
  forget_cache
  same /tmp/content "$there/file"
  host_does thaw first
  meet_at 'the first has gone on'
fi
meet_at 'the end'
step "$(operations)"
unmount
umount /mnt/meeting || fail 'umount /mnt/meeting'
log_out
