package pnfs.client.cli;

import java.util.List;
import java.util.Locale;
import pnfs.client.FileExtent;

/// The extents of a file as `pnfs stat --extents` prints them.
public final class ExtentsTable {
    private ExtentsTable() {}

    public static Table of(List<FileExtent> extents) {
        var table = new Table(">OFFSET", ">LENGTH", "STATE", "DATA SERVER", "REGION", ">REGION OFFSET");
        for (FileExtent extent : extents) {
            FileExtent.Place place = extent.place();
            table.row(
                    Long.toString(extent.file().offset()),
                    Long.toString(extent.file().length()),
                    extent.state().name().toLowerCase(Locale.ROOT),
                    place == null ? "-" : place.dataServer(),
                    place == null ? "-" : place.region().toString(),
                    place == null ? "-" : Long.toString(place.offset()));
        }
        return table;
    }
}
