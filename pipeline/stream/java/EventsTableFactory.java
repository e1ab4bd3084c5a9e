package floodmark.pipeline;

import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.Set;

import floodmark.contract.FieldRule;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.factories.DynamicTableSourceFactory;
import org.apache.flink.table.factories.FactoryUtil;

/** The connector {@code contract-kafka}: a Kafka source whose records are judged by the contract as they are read. */
public final class EventsTableFactory implements DynamicTableSourceFactory {
    private static final String KAFKA_PREFIX = "properties.";

    private static final ConfigOption<String> TOPIC =
            ConfigOptions.key("topic").stringType().noDefaultValue();
    private static final ConfigOption<String> RULES =
            ConfigOptions.key("contract.rules")
                    .stringType()
                    .noDefaultValue()
                    .withDescription("The contract's rules as a JSON list, in the contract's order.");
    private static final ConfigOption<Duration> OUT_OF_ORDERNESS =
            ConfigOptions.key("watermark.out-of-orderness")
                    .durationType()
                    .noDefaultValue()
                    .withDescription("How far behind its partition's newest event an event may come.");
    private static final ConfigOption<Duration> LATE_WINDOW =
            ConfigOptions.key("late.window")
                    .durationType()
                    .noDefaultValue()
                    .withDescription("An event is late once the window of this size that holds it has closed.");
    private static final ConfigOption<Duration> IDLE_TIMEOUT =
            ConfigOptions.key("watermark.idle-timeout")
                    .durationType()
                    .defaultValue(Duration.ZERO)
                    .withDescription("A partition silent for so long holds no watermark back; zero is never.");
    private static final ConfigOption<Boolean> BOUNDED =
            ConfigOptions.key("scan.bounded").booleanType().defaultValue(false);

    @Override
    public String factoryIdentifier() {
        return "contract-kafka";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of(TOPIC, RULES, OUT_OF_ORDERNESS, LATE_WINDOW);
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return Set.of(IDLE_TIMEOUT, BOUNDED);
    }

    @Override
    public DynamicTableSource createDynamicTableSource(Context context) {
        FactoryUtil.TableFactoryHelper helper = FactoryUtil.createTableFactoryHelper(this, context);
        helper.validateExcept(KAFKA_PREFIX);
        ReadableConfig given = helper.getOptions();
        EventsTableSource.Options options = new EventsTableSource.Options();
        options.topic = given.get(TOPIC);
        options.rulesJson = given.get(RULES);
        options.lateRule =
                new LateRule(given.get(LATE_WINDOW).toMillis(), given.get(OUT_OF_ORDERNESS).toMillis());
        options.idleTimeout = given.get(IDLE_TIMEOUT);
        options.bounded = given.get(BOUNDED);
        options.kafka = kafkaProperties(context.getCatalogTable().getOptions());
        FieldRule.parse(options.rulesJson);
        return new EventsTableSource(options, context.getPhysicalRowDataType());
    }

    private static Properties kafkaProperties(Map<String, String> options) {
        Properties properties = new Properties();
        options.forEach(
                (key, value) -> {
                    if (key.startsWith(KAFKA_PREFIX)) {
                        properties.setProperty(key.substring(KAFKA_PREFIX.length()), value);
                    }
                });
        return properties;
    }
}
