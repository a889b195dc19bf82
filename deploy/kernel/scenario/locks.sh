# locks.sh ME OTHER: byte-range locks, delegations and extended attributes between two machines, one called first.
. ./lib.sh
. ./work.sh
me=$1 other=$2

log_in
mount_pnfs 4.2 noac,lookupcache=none /mnt/meeting
mount_pnfs 4.2 acdirmin=1,acdirmax=1,acregmin=1,acregmax=1
mkdir -p "$there"

# lock FIRST LENGTH: as lockf does, not waiting; held until its standard input ends.
lock() {
  python3 -c 'import fcntl, sys
file = open(sys.argv[1], "r+b")
try: fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, int(sys.argv[3]), int(sys.argv[2]))
except OSError as refused: sys.exit(f"refused: {refused}")
print("locked", flush=True)
sys.stdin.read()' "$there/locked" "$1" "$2"
}
[ "$me" = second ] || head -c 8192 /dev/zero >"$there/locked"
meet_at 'the file to lock'
if [ "$me" = first ]; then
  mkfifo /tmp/hold
  lock 0 4096 </tmp/hold >/tmp/held 2>&1 &
  exec 5>/tmp/hold
  within 20 grep -q locked /tmp/held || fail "the first lock: $(cat /tmp/held)"
  meet_at 'locked'
  meet_at 'tried'
  exec 5>&-
  wait
else
  meet_at 'locked'
  lock 0 100 </dev/null 2>&1 | grep -q refused || fail 'a lock that another machine holds was given'
  lock 4096 4096 </dev/null | grep -q locked || fail 'a lock beside the other was refused'
  meet_at 'tried'
fi
meet_at 'unlocked'
if [ "$me" = second ]; then
  within 20 sh -c : && lock 0 100 </dev/null | grep -q locked || fail 'a lock that was given back is still held'
fi
step 'locks'

# A counter that both raise under a lock: none is lost.
[ "$me" = second ] || echo 0 >"$there/counter"
meet_at 'a counter'
python3 - "$there/counter" <<'PY' || fail 'counting under a lock'
import fcntl, os, sys
for _ in range(50):
    file = os.open(sys.argv[1], os.O_RDWR)
    fcntl.lockf(file, fcntl.LOCK_EX)
    value = int(os.pread(file, 20, 0))
    os.pwrite(file, b"%d\n" % (value + 1), 0)
    os.close(file)
PY
meet_at 'counted'
[ "$(cat "$there/counter")" = 100 ] || fail "counted to $(cat "$there/counter") instead of 100"
step 'counted to 100 together'

# Opened again and again by one machine, which is lent to it then: no open is sent any more. When the other machine writes,
# the loan is recalled (the first does nothing meanwhile but give it back), and both see the new content.
lent_and_recalled() { # lent_and_recalled NAME
  local returned=$(count DELEGRETURN)
  meet_at "$1 is lent"
  [ "$me" = first ] || echo "second's $1" >>"$there/$1" || fail "writing what is lent"
  meet_at "$1 is changed"
  if [ "$me" = first ]; then
    [ "$(count DELEGRETURN)" -gt "$returned" ] || fail "$1 was changed by another machine, and no delegation was given back"
    measured "recalls-of-$1" "$(($(count DELEGRETURN) - returned))"
  fi
}
if [ "$me" = first ]; then
  echo old >"$there/read"
  cat "$there/read" >/dev/null
  opens=$(count OPEN)$(count OPEN_NOATTR)
  for n in 1 2 3 4 5; do cat "$there/read" >/dev/null; done
  [ "$(count OPEN)$(count OPEN_NOATTR)" = "$opens" ] || fail "a file that is read again and again is not lent: $(operations)"
fi
lent_and_recalled read
[ "$(cat "$there/read")" = "old
second's read" ] || fail "the old content after the other machine wrote: $(cat "$there/read")"
# Lent for writing, a file need not even be written back when it is closed: the recall has to bring its content.
if [ "$me" = first ]; then
  for n in 1 2 3; do echo "first's $n" >>"$there/written"; done
  python3 -c "import sys; open(sys.argv[1], 'a').write(\"first's last\n\")" "$there/written"
fi
lent_and_recalled written
[ "$(wc -l <"$there/written")" = 5 ] && [ "$(sed -n 4p "$there/written")" = "first's last" ] &&
  [ "$(tail -n 1 "$there/written")" = "second's written" ] || fail "what was written under a loan: $(cat "$there/written")"
step "files lent for reading and for writing, and recalled; $(count DELEGRETURN) DELEGRETURNs"

if [ "$me" = first ]; then
  setfattr -n user.colour -v blue "$there/read" || fail 'setfattr'
  setfattr -n user.large -v "$(head -c 3000 /dev/zero | tr '\0' x)" "$there/read" || fail 'setfattr of 3000 bytes'
  setfattr -n user.gone -v x "$there/read" && setfattr -x user.gone "$there/read" || fail 'setfattr -x'
fi
meet_at 'attributes'
[ "$(getfattr --only-values -n user.colour "$there/read")" = blue ] || fail 'getfattr'
[ "$(getfattr --only-values -n user.large "$there/read" | wc -c)" = 3000 ] || fail 'getfattr of 3000 bytes'
[ "$(getfattr "$there/read" 2>/dev/null | grep -c user)" = 2 ] || fail 'listing attributes'
step 'extended attributes'
meet_at 'the end'
step "$(operations)"
unmount
umount /mnt/meeting || fail 'umount /mnt/meeting'
log_out
