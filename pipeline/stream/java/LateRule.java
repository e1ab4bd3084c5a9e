package floodmark.pipeline;

import java.io.Serializable;

/**
 * When an event is late: when the window that it belongs to had closed by the clock of its partition, which is the
 * newest valid event time seen there, less the allowed disorder.
 */
final class LateRule implements Serializable {
    private static final long serialVersionUID = 1L;

    final long windowMs;
    final long outOfOrdernessMs;

    LateRule(long windowMs, long outOfOrdernessMs) {
        this.windowMs = windowMs;
        this.outOfOrdernessMs = outOfOrdernessMs;
    }

    /** The last millisecond of the window that holds this moment. */
    long lastMomentMs(long eventTimeMs) {
        return Math.floorDiv(eventTimeMs, windowMs) * windowMs + windowMs - 1;
    }

    /** The watermark of a partition whose newest event has this time: no event at or before it is expected. */
    long watermarkMs(long newestMs) {
        return newestMs - outOfOrdernessMs - 1;
    }

    boolean isLate(long eventTimeMs, long newestMs) {
        return lastMomentMs(eventTimeMs) <= watermarkMs(newestMs);
    }
}
