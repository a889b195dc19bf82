# The disks themselves: reservations as sg_persist makes them, and a target that is killed under load.
. ./lib.sh
log_in
set -- $TARGETS
IFS=, read -r _ _ wwn <<<"$1"
disk=$(readlink -f "/dev/disk/by-id/wwn-0x$wwn")
size=$((32 << 20))
key=0x1001 other=0x1002

persist() { sg_persist --no-inquiry "$@" "$disk"; }
persist --out --register-ignore --param-sark=$key --param-aptpl || fail 'register'
persist --out --reserve --param-rk=$key --prout-type=6 || fail 'reserve'
persist --in --read-keys | grep -q $key || fail 'the key is not there'
persist --in --read-reservation | grep -q 'Exclusive Access, registrants only' || fail 'the reservation is not there'
persist --out --register --param-rk=$key --param-sark=$other --param-aptpl || fail 'another key'
persist --out --preempt --param-rk=$other --param-sark=$other --prout-type=6 || fail 'preempt'
step 'registered, reserved, preempted'

fio_lun() {
  fio --name=lun --filename="$disk" --size=$size --bs=4k --direct=1 --ioengine=libaio --iodepth=8 --randseed=11 \
    --verify=crc32c --verify_fatal=1 "$@"
}
fio_lun --rw=randwrite --minimal >/tmp/fio || { cat /tmp/fio; fail 'fio on the unit'; }
step 'fio: written and verified'

# Every block that was acknowledged before, during and after the crash must be there: fio remembers what it wrote.
fio_lun --rw=randwrite --do_verify=0 --loops=4 --minimal >/tmp/fio &
fio=$!
sleep 2
host_does kill ds0
sleep 2
host_does start ds0
wait $fio || { cat /tmp/fio; fail 'fio does not get through the crash'; }
step 'fio got through a killed target'
fio_lun --rw=randwrite --loops=4 --verify_only --minimal >/tmp/fio || { cat /tmp/fio; fail 'acknowledged bytes are lost'; }
persist --in --read-keys | grep -q $other || fail 'the key did not survive the crash, though it was asked to'
persist --out --clear --param-rk=$other || fail 'clear'
step 'all acknowledged bytes are there, and the key'
log_out
