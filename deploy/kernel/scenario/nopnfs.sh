# A client without the layout driver: everything goes through the metadata server, by 4.2 and by 4.1. Where the driver is
# built into the kernel, layouts come and find no disk, which comes to the same.
. ./lib.sh
. ./work.sh
for driver in blocklayoutdriver nfs_layout_flexfiles nfs_layout_nfsv41_files; do
  echo "install $driver /bin/false" >>/etc/modprobe.d/no-layouts.conf
done
for version in 4.2 4.1; do
  mount_pnfs $version
  start_work
  fio_in_large_pieces 4m
  fio_in_small_pieces 4m
  source_tree
  storm_of_names
  sizes_and_holes
  if [ $version = 4.2 ]; then fallocate_and_copy; fi
  random_operations 1000 1 direct mmap
  [ "$(layout_type)" != 'not configured' ] || [ "$(count LAYOUTGET)" = 0 ] || fail "LAYOUTGET without a driver: $(operations)"
  [ "$(count WRITE)" -gt 0 ] || fail "no WRITE: $(operations)"
  step "$(operations)"
  rmdir "$there"
  unmount
done
