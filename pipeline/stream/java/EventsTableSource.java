package floodmark.pipeline;

import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.KafkaSourceBuilder;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.ProviderContext;
import org.apache.flink.table.connector.source.DataStreamScanProvider;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.connector.source.ScanTableSource;
import org.apache.flink.table.connector.source.abilities.SupportsProjectionPushDown;
import org.apache.flink.table.connector.source.abilities.SupportsReadingMetadata;
import org.apache.flink.table.connector.source.abilities.SupportsSourceWatermark;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.DataType;

/** A Kafka topic of events as a table: the contract's fields, and metadata of each record. */
final class EventsTableSource
        implements ScanTableSource,
                SupportsReadingMetadata,
                SupportsProjectionPushDown,
                SupportsSourceWatermark {

    /** The metadata of a record, beside the contract's fields. */
    enum Metadata {
        KEY(DataTypes.BYTES().nullable()),
        VALUE(DataTypes.BYTES().nullable()),
        TIMESTAMP(DataTypes.TIMESTAMP_LTZ(3).notNull()),
        PARTITION(DataTypes.INT().notNull()),
        OFFSET(DataTypes.BIGINT().notNull()),
        /** Why the record breaks the contract; null when it does not. */
        REJECTION(DataTypes.STRING().nullable()),
        /** Whether the event is late by its partition's order; false for a rejected record. */
        LATE(DataTypes.BOOLEAN().notNull()),
        /** The last moment of the event's window: a watermark that reaches it closes the window. */
        CLOSES(DataTypes.TIMESTAMP_LTZ(3).notNull());

        final DataType type;

        Metadata(DataType type) {
            this.type = type;
        }

        String key() {
            return name().toLowerCase();
        }
    }

    /** The table's options. */
    static final class Options implements Serializable {
        private static final long serialVersionUID = 1L;

        String topic;
        String rulesJson;
        Properties kafka;
        LateRule lateRule;
        Duration idleTimeout;
        /** Stop at the offsets that are the latest at the start, instead of never. */
        boolean bounded;
    }

    private final Options options;
    private List<String> fields;
    private List<Metadata> metadata = List.of();
    private DataType producedType;

    EventsTableSource(Options options, DataType physicalType) {
        this.options = options;
        this.fields = DataType.getFieldNames(physicalType);
        this.producedType = physicalType;
    }

    @Override
    public ChangelogMode getChangelogMode() {
        return ChangelogMode.insertOnly();
    }

    @Override
    public Map<String, DataType> listReadableMetadata() {
        Map<String, DataType> readable = new LinkedHashMap<>();
        for (Metadata each : Metadata.values()) {
            readable.put(each.key(), each.type);
        }
        return readable;
    }

    @Override
    public void applyReadableMetadata(List<String> keys, DataType producedType) {
        this.metadata =
                keys.stream().map(key -> Metadata.valueOf(key.toUpperCase())).collect(Collectors.toList());
        this.producedType = producedType;
    }

    @Override
    public boolean supportsNestedProjection() {
        return false;
    }

    @Override
    public void applyProjection(int[][] projected, DataType producedType) {
        List<String> kept = new ArrayList<>();
        for (int[] path : projected) {
            kept.add(fields.get(path[0]));
        }
        this.fields = kept;
        this.producedType = producedType;
    }

    @Override
    public void applySourceWatermark() {
        // The stream always carries watermarks.
    }

    @Override
    public ScanRuntimeProvider getScanRuntimeProvider(ScanContext context) {
        TypeInformation<RowData> rowType = context.createTypeInformation(producedType);
        List<DataType> columns = new ArrayList<>(DataType.getFieldDataTypes(producedType));
        columns.add(DataTypes.INT().notNull());
        TypeInformation<RowData> decodedType =
                context.createTypeInformation(DataTypes.ROW(columns.toArray(new DataType[0])).notNull());
        EventDecoder decoder =
                new EventDecoder(
                        options.rulesJson, new ArrayList<>(fields), new ArrayList<>(metadata), decodedType,
                        options.lateRule);
        LateEvents lateEvents = new LateEvents(options.lateRule, columnOf(Metadata.LATE));
        return new DataStreamScanProvider() {
            @Override
            public DataStream<RowData> produceDataStream(
                    ProviderContext provider, StreamExecutionEnvironment environment) {
                DataStream<RowData> decoded =
                        named(
                                environment.fromSource(
                                        kafkaSource(decoder), watermarks(), options.topic, decodedType),
                                provider,
                                "decode");
                return named(
                        decoded.process(lateEvents, rowType).name("mark late events"), provider, "late");
            }

            @Override
            public boolean isBounded() {
                return options.bounded;
            }
        };
    }

    private int columnOf(Metadata wanted) {
        int index = metadata.indexOf(wanted);
        return index < 0 ? -1 : fields.size() + index;
    }

    private static SingleOutputStreamOperator<RowData> named(
            SingleOutputStreamOperator<RowData> operator, ProviderContext provider, String name) {
        provider.generateUid(name).ifPresent(operator::uid);
        return operator;
    }

    private KafkaSource<RowData> kafkaSource(EventDecoder decoder) {
        KafkaSourceBuilder<RowData> builder =
                KafkaSource.<RowData>builder()
                        .setTopics(options.topic)
                        .setProperties(options.kafka)
                        .setStartingOffsets(OffsetsInitializer.earliest())
                        .setDeserializer(decoder);
        if (options.bounded) {
            builder.setBounded(OffsetsInitializer.latest());
        }
        return builder.build();
    }

    private WatermarkStrategy<RowData> watermarks() {
        LateRule rule = options.lateRule;
        WatermarkStrategy<RowData> strategy =
                WatermarkStrategy.forGenerator(context -> new ValidEventWatermarks(rule));
        return options.idleTimeout.isZero() ? strategy : strategy.withIdleness(options.idleTimeout);
    }

    @Override
    public DynamicTableSource copy() {
        EventsTableSource copy = new EventsTableSource(options, producedType);
        copy.fields = fields;
        copy.metadata = metadata;
        return copy;
    }

    @Override
    public String asSummaryString() {
        return "events that the contract judges";
    }
}
