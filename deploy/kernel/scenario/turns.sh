# turns.sh ME OTHER: two machines that keep one file open and append a record to it in turn, each having read all that is
# there. Every turn takes the file's layouts from the other machine.
. ./lib.sh
. ./work.sh
me=$1 other=$2
turns=40

log_in
mount_pnfs 4.2 noac,lookupcache=none /mnt/meeting
mount_pnfs 4.2
mkdir -p "$there"
[ "$me" = second ] || : >"$there/turns"
meet_at 'the beginning'
tcpdump -i any -s 0 -U -w /tmp/packets "src port $NFS_PORT" 2>/dev/null &
tcpdump=$!
within 20 test -s /tmp/packets || fail 'tcpdump'
python3 - "$there/turns" "$([ "$me" = first ]; echo $?)" $turns >/tmp/turns <<'PY' || { cat /tmp/turns; fail 'writing and reading in turn'; }
import fcntl, os, sys, time
RECORD = 65536
path, me, turns = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
taken = []
file = os.open(path, os.O_RDWR)
turn = 0
while turn < turns:
    fcntl.lockf(file, fcntl.LOCK_EX)  # Linux writes back before it gives a lock back, and forgets what it had when it gets one
    turn = os.fstat(file).st_size // RECORD
    if turn < turns and turn % 2 == me:
        began = time.monotonic()
        os.pread(file, RECORD, max(turn - 1, 0) * RECORD)  # what the other has just written, under its layout
        taken.append(time.monotonic() - began)
        for before in range(turn):
            got = os.pread(file, RECORD, before * RECORD)
            assert got == before.to_bytes(8, "big") * (RECORD // 8), f"turn {turn}: record {before} is not as it was written"
        os.pwrite(file, turn.to_bytes(8, "big") * (RECORD // 8), turn * RECORD)
        os.fsync(file)
    fcntl.lockf(file, fcntl.LOCK_UN)
    time.sleep(0.005)
taken.sort()
print(f"{taken[len(taken) // 2] * 1000:.0f} ms, slowest {taken[-1] * 1000:.0f} ms")
assert taken[-1] < 30, "somebody waited for a lease to end"
PY
measured "taken-by-$me" "$(cat /tmp/turns)"
meet_at 'the end'
kill $tcpdump
wait $tcpdump
# CB_LAYOUTRECALL, SCSI, ANY
recalls=$(python3 -c 'print(open("/tmp/packets", "rb").read().count(bytes.fromhex("000000050000000500000003")))')
measured "recalls-from-$me" "$recalls"
[ "$recalls" -ge $((turns / 4)) ] || fail "in $turns turns the layout was recalled $recalls times: $(operations)"
require_layouts
step "$(operations)"
unmount
umount /mnt/meeting || fail 'umount /mnt/meeting'
log_out
