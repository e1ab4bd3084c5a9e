package floodmark.pipeline;

import java.util.List;
import java.util.Map;

import floodmark.contract.EventParser;
import floodmark.contract.FieldRule;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.util.Collector;

/**
 * One Kafka record to one row: the columns that the query asks for, then one more, {@link #partitionOf}, that shows
 * {@link LateEvents} and {@link ValidEventWatermarks} which partition's order the event belongs to.
 */
final class EventDecoder implements KafkaRecordDeserializationSchema<RowData> {
    private static final long serialVersionUID = 1L;
    private static final int REJECTED = -1;

    private final String rulesJson;
    private final List<String> fields;
    private final List<EventsTableSource.Metadata> metadata;
    private final TypeInformation<RowData> rowType;
    private final LateRule windows;

    private transient EventParser parser;
    private transient int[] fieldIndexes;

    /** {@code fields} then {@code metadata} are the columns of a row, in this order. */
    EventDecoder(
            String rulesJson,
            List<String> fields,
            List<EventsTableSource.Metadata> metadata,
            TypeInformation<RowData> rowType,
            LateRule windows) {
        this.rulesJson = rulesJson;
        this.fields = fields;
        this.metadata = metadata;
        this.rowType = rowType;
        this.windows = windows;
    }

    @Override
    public void open(DeserializationSchema.InitializationContext context) {
        Map<String, FieldRule> rules = FieldRule.parse(rulesJson);
        boolean[] wanted = new boolean[rules.size()];
        fieldIndexes = fields.stream().mapToInt(name -> rules.get(name).index).toArray();
        for (int index : fieldIndexes) {
            wanted[index] = true;
        }
        parser = new EventParser(rules, wanted, new FlinkValues());
    }

    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<RowData> out) {
        String rejection = parser.parse(record.value());
        GenericRowData row = new GenericRowData(fields.size() + metadata.size() + 1);
        int column = 0;
        for (int index : fieldIndexes) {
            row.setField(column++, rejection == null ? parser.value(index) : null);
        }
        for (EventsTableSource.Metadata wanted : metadata) {
            row.setField(column++, valueOf(wanted, record, rejection));
        }
        row.setField(column, rejection == null ? record.partition() : REJECTED);
        out.collect(row);
    }

    private Object valueOf(
            EventsTableSource.Metadata wanted, ConsumerRecord<byte[], byte[]> record, String rejection) {
        switch (wanted) {
            case KEY:
                return record.key();
            case VALUE:
                return record.value();
            case TIMESTAMP:
                return TimestampData.fromEpochMillis(record.timestamp());
            case PARTITION:
                return record.partition();
            case OFFSET:
                return record.offset();
            case REJECTION:
                return StringData.fromString(rejection);
            case LATE:
                return false; // LateEvents judges it.
            case CLOSES:
                return TimestampData.fromEpochMillis(windows.lastMomentMs(record.timestamp()));
            default:
                throw new IllegalStateException("no such metadata: " + wanted);
        }
    }

    /** The partition of a valid event's record; negative for a rejected one. */
    static int partitionOf(RowData row) {
        return row.getInt(row.getArity() - 1);
    }

    @Override
    public TypeInformation<RowData> getProducedType() {
        return rowType;
    }
}
