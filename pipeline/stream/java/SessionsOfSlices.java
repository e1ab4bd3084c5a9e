package floodmark.pipeline;

import java.time.Duration;
import java.time.Instant;

import org.apache.flink.table.annotation.ArgumentHint;
import org.apache.flink.table.annotation.ArgumentTrait;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.annotation.StateHint;
import org.apache.flink.table.functions.ProcessTableFunction;
import org.apache.flink.types.Row;

/**
 * Session windows from slices: small tumbling windows of one key that have already been aggregated.
 *
 * <p>All events of a slice belong to one session, as long as the slice is no longer than the gap, so the first and
 * the last event time of each slice are enough to find the same sessions that the single events would make. State is
 * then touched once a slice instead of several times an event. As in Flink, a session ends one gap after its last
 * event, and an event exactly there still joins it.
 */
@DataTypeHint(
        "ROW<window_start BIGINT, window_end BIGINT, events BIGINT, measured BIGINT,"
                + " value_sum DOUBLE, value_min DOUBLE, value_max DOUBLE>")
public final class SessionsOfSlices extends ProcessTableFunction<Row> {
    private static final long serialVersionUID = 1L;
    private static final String CLOSE = "close";
    /** A session lives as long as it is open, however long the job lets other state live. */
    private static final String FOREVER = "0 s";

    /** The session of one key that is open. Times are milliseconds since 1970. */
    public static final class Session {
        public long firstMs;
        public long lastMs;
        public long endMs;
        public long events;
        public long measured;
        public Double sum;
        public Double min;
        public Double max;
    }

    /**
     * Slices of one key come in their order, and each only once.
     *
     * @param slice {@code first_time}, {@code last_time}, {@code events}, {@code measured}, {@code value_sum},
     *     {@code value_min}, {@code value_max}
     * @param gap of the sessions
     * @param size of a slice
     */
    public void eval(
            Context context,
            @StateHint(name = "session", ttl = FOREVER) Session session,
            @ArgumentHint(
                            name = "slice",
                            value = {ArgumentTrait.SET_SEMANTIC_TABLE, ArgumentTrait.REQUIRE_ON_TIME})
                    Row slice,
            @ArgumentHint(name = "gap", type = @DataTypeHint("INTERVAL SECOND(3)")) Duration gap,
            @ArgumentHint(name = "size", type = @DataTypeHint("INTERVAL SECOND(3)")) Duration size) {
        long firstMs = slice.<Instant>getFieldAs("first_time").toEpochMilli();
        long lastMs = slice.<Instant>getFieldAs("last_time").toEpochMilli();
        if (session.events > 0 && firstMs - session.lastMs > gap.toMillis()) {
            emit(session);
            session.events = 0;
        }
        if (session.events == 0) {
            session.firstMs = firstMs;
            session.measured = 0;
            session.sum = session.min = session.max = null;
        }
        session.lastMs = lastMs;
        session.endMs = lastMs + gap.toMillis();
        session.events += slice.<Long>getFieldAs("events");
        session.measured += slice.<Long>getFieldAs("measured");
        addValues(
                session,
                slice.getFieldAs("value_sum"),
                slice.getFieldAs("value_min"),
                slice.getFieldAs("value_max"));
        // An event that joins may still lie in the slice that holds the session's end: wait for that slice.
        long closesMs = new LateRule(size.toMillis(), 0).lastMomentMs(session.endMs);
        context.timeContext(Instant.class).registerOnTime(CLOSE, Instant.ofEpochMilli(closesMs));
    }

    public void onTimer(OnTimerContext context, Session session) {
        emit(session);
        context.clearAll();
    }

    private static void addValues(Session session, Double sum, Double min, Double max) {
        if (sum == null) {
            return;
        }
        session.sum = session.sum == null ? sum : session.sum + sum;
        session.min = session.min == null ? min : Math.min(session.min, min);
        session.max = session.max == null ? max : Math.max(session.max, max);
    }

    private void emit(Session session) {
        collect(
                Row.of(
                        session.firstMs,
                        session.endMs,
                        session.events,
                        session.measured,
                        session.sum,
                        session.min,
                        session.max));
    }
}
