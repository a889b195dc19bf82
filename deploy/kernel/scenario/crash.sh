# Servers that are killed and started again under a program that writes records and calls fsync after each: first the
# metadata server, then a data server, then both. The program sees no error, and each record whose fsync returned is there.
. ./lib.sh
. ./work.sh
log_in
mount_pnfs 4.2
start_work

cat >/tmp/records.py <<'PY'
"""records.py write|check FILE LOG: records of 64 KiB, each full of its own number. The writer writes the number to LOG
after each fsync until a file LOG.enough is there; in the end it says how long the slowest took."""
import os, sys, time
RECORD = 65536
how, path, log = sys.argv[1:]

def record(number):
    return number.to_bytes(8, "big") * (RECORD // 8)

if how == "write":
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    slowest = number = 0
    with open(log, "w", buffering=1) as written:
        while not os.path.exists(log + ".enough"):
            began = time.monotonic()
            os.pwrite(file, record(number), number * RECORD)
            os.fsync(file)
            slowest = max(slowest, time.monotonic() - began)
            print(number, file=written)
            number += 1
            time.sleep(0.02)
    os.close(file)
    print(f"{slowest:.1f} s")
else:
    with open(path, "rb", buffering=0) as file, open(log) as written:
        for number in map(int, written):
            if file.read(RECORD) != record(number):
                sys.exit(f"record {number} is not as it was written")
PY

written_since() { [ "$(wc -l <"$1")" -gt $(($2 + 20)) ]; } # written_since LOG COUNT: twenty records more
through() { # through WHAT SERVER...: a writer goes on while these are killed and started again
  local what=$1 log=/tmp/$1 server writer before
  shift
  python3 /tmp/records.py write "$there/$what" "$log" >/tmp/slowest 2>&1 &
  writer=$!
  within 30 written_since "$log" 0 || fail 'nothing is written'
  for server; do host_does kill "$server"; done
  sleep 1
  before=$(wc -l <"$log")
  for server; do host_does start "$server"; done
  within 150 written_since "$log" "$before" || { cat /tmp/slowest; fail "nothing is written after the crash of $what"; }
  touch "$log.enough"
  wait $writer || { cat /tmp/slowest; fail "the writer saw the crash of $what"; }
  measured "$what" "$(cat /tmp/slowest)"
  forget_cache
  python3 /tmp/records.py check "$there/$what" "$log" || fail "after the crash of $what"
  step "$(wc -l <"$log") records written through the crash of $what, and all there"
}
through metadata-server mds
through data-server ds0
through both-servers mds ds0
require_layouts
step "$(operations)"
unmount
mount_pnfs 4.2
for what in metadata-server data-server both-servers; do
  python3 /tmp/records.py check "$there/$what" "/tmp/$what" || fail "$what: after a new mount"
done
step 'mounted again: all there'
rm -rf "$there"
unmount
log_out
