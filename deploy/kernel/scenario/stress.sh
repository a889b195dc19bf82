# The trade's own programs, as Debian packages them: stress-ng's file system tests with its verification, and dbench.
. ./lib.sh
. ./work.sh
log_in
mount_pnfs 4.2
start_work
for test in hdd iomix seek dentry dir rename symlink getdent chmod utime open fallocate filename touch; do
  stress-ng --temp-path "$there" --$test 2 --$test-ops 100 --timeout 4s --verify \
    --hdd-bytes 16M --iomix-bytes 16M --seek-size 16M --fallocate-bytes 16M >/tmp/stress 2>&1 ||
    { tail -5 /tmp/stress; fail "stress-ng --$test"; }
  step "stress-ng --$test"
done
dbench --directory="$there" --timelimit=5 2 >/tmp/dbench 2>&1 || { tail -5 /tmp/dbench; fail 'dbench'; }
measured dbench "$(awk '/^Throughput/ {print $2, "MB/s"}' /tmp/dbench)"
require_layouts
step "$(operations)"
rm -rf "$there"
unmount
log_out
