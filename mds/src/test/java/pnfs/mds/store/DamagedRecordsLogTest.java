package pnfs.mds.store;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class DamagedRecordsLogTest {
    private final Logger log = (Logger) LoggerFactory.getLogger(DamagedRecords.class);
    private final ListAppender<ILoggingEvent> said = new ListAppender<>();
    private final DamagedRecords damaged = new DamagedRecords();

    @BeforeEach
    void listen() {
        said.start();
        log.addAppender(said);
    }

    @AfterEach
    void stop() {
        log.detachAppender(said);
    }

    @Test
    void each_record_is_said_once_with_what_to_do_and_counted_each_time() {
        for (int i = 0; i < 3; i++) {
            damaged.met(new CorruptStoreException("inode 7: too long"));
            assertThat(damaged.leaveOut(() -> {
                        throw new CorruptStoreException("inode 8: too short");
                    }))
                    .isFalse();
            assertThat(damaged.leaveOut(() -> {})).isTrue();
        }

        assertThat(damaged.count()).isEqualTo(6);
        assertThat(said.list)
                .extracting(ILoggingEvent::getFormattedMessage)
                .hasSize(2)
                .allSatisfy(line -> assertThat(line).contains("pnfs fsck"))
                .satisfiesExactlyInAnyOrder(
                        line -> assertThat(line).contains("what=inode 7: too long"),
                        line -> assertThat(line).contains("what=inode 8: too short"));
    }

    @Test
    void a_store_that_is_damaged_all_over_does_not_fill_the_log() {
        for (int i = 0; i < 2000; i++) {
            damaged.met(new CorruptStoreException("inode " + i));
        }

        assertThat(damaged.count()).isEqualTo(2000);
        assertThat(said.list).hasSizeBetween(100, 1000);
    }
}
