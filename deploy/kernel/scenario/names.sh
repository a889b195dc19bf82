# names.sh ME OTHER: programs of two machines make, lock, rename and remove names while the metadata server is killed under
# them. Each call is carried out once, however often it is sent: a second time mkdir finds its own directory, and rename
# nothing. A lock that was held all the time is nobody else's.
. ./lib.sh
. ./work.sh
me=$1 other=$2
kills=6

log_in
mount_pnfs 4.2 noac,lookupcache=none /mnt/meeting
mount_pnfs 4.2
mkdir -p "$there/$me"

cat >/tmp/names.py <<'PY'
"""names.py FOLDER LOG: makes names and removes them again, round after round, until a file LOG.enough is there; LOG gets
the number of each round, and standard output how long the slowest took. No call may fail."""
import fcntl, os, sys, time
folder, log = sys.argv[1:]
os.mkdir(folder)
slowest = number = 0
with open(log, "w", buffering=1) as rounds:
    while not os.path.exists(log + ".enough"):
        began = time.monotonic()
        inside = f"{folder}/{number}"
        new, linked, symbolic, renamed, last = f"{inside}/new", f"{inside}/linked", f"{inside}/symbolic", f"{inside}/renamed", f"{folder}/last"
        os.mkdir(inside)
        file = os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(file, b"%d" % number)
        os.close(file)
        os.link(new, linked)
        os.symlink("new", symbolic)
        os.setxattr(new, "user.round", b"%d" % number, os.XATTR_CREATE)
        os.rename(new, renamed)
        os.removexattr(renamed, "user.round")
        assert sorted(os.listdir(inside)) == ["linked", "renamed", "symbolic"], os.listdir(inside)
        os.unlink(linked)
        os.unlink(symbolic)
        os.rename(renamed, last)
        os.rmdir(inside)
        with open(last) as left:
            assert left.read() == str(number), number
        assert os.stat(last).st_nlink == 1, os.stat(last)
        slowest = max(slowest, time.monotonic() - began)
        print(number, file=rounds)
        number += 1
assert os.listdir(folder) == ["last"], os.listdir(folder)
print(f"{number} rounds, slowest {slowest:.1f} s")
PY

for program in 1 2 3; do
  python3 /tmp/names.py "$there/$me/$program" "/tmp/rounds.$program" >"/tmp/said.$program" 2>&1 &
done
rounds() { cat /tmp/rounds.? | wc -l; }
more_than() { [ "$(rounds)" -gt "$1" ]; } # more_than ROUNDS
all_run() { [ "$(jobs -rp | wc -l)" = $((3 + ${#holder})) ] || { cat /tmp/said.?; fail "a program saw the crash of the metadata server"; }; }
holder=
if [ "$me" = first ]; then
  mkfifo /tmp/hold
  head -c 100 /dev/zero >"$there/locked"
  python3 -c 'import fcntl, sys
file = open(sys.argv[1], "r+b")
fcntl.lockf(file, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()' "$there/locked" </tmp/hold >/tmp/held 2>&1 &
  holder=1
  exec 5>/tmp/hold
  within 20 grep -q locked /tmp/held || fail "no lock: $(cat /tmp/held)"
fi
within 60 more_than 20 || fail "no names are made: $(cat /tmp/said.?)"
meet_at 'names are made'
for kill in $(seq $kills); do
  if [ "$me" = first ]; then
    host_does kill mds
    sleep 1
    host_does start mds
  fi
  within 90 more_than $(($(rounds) + 20)) || fail "nothing goes on after crash $kill: $(cat /tmp/said.?)"
  all_run
  meet_at "crash $kill"
done
for program in 1 2 3; do touch "/tmp/rounds.$program.enough"; done
within 60 sh -c "[ \$(cat /tmp/said.? | grep -c rounds,) = 3 ]" || fail "a program saw the crash: $(cat /tmp/said.?)"
measured "names-of-$me" "$(tail -qn 1 /tmp/said.? | paste -sd ' ')"
meet_at 'all names are made'
if [ "$me" = second ]; then
  python3 -c 'import fcntl, sys
try: fcntl.lockf(open(sys.argv[1], "r+b"), fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError: sys.exit(0)
sys.exit("locked")' "$there/locked" || fail 'a lock that the other machine holds was given'
fi
meet_at 'the lock was held'
[ "$me" = second ] || exec 5>&-
wait
step "$kills crashes, and no name and no lock is wrong"
rm -rf "${there:?}/$me"
step "$(operations)"
unmount
umount /mnt/meeting || fail 'umount /mnt/meeting'
log_out
