package floodmark.pipeline;

import java.io.IOException;
import java.io.Serializable;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;

/**
 * What the contract demands of one field of an event's JSON. Knows kinds of rules, never the fields themselves:
 * these come from the contract as JSON, in the table's option {@code contract.rules}.
 */
final class FieldRule implements Serializable {
    private static final long serialVersionUID = 1L;

    enum Type {
        STRING,
        DOUBLE,
        LONG,
        STRINGS
    }

    final String name;
    final int index;
    final Type type;
    final boolean required;
    final int minLength;
    final int maxLength;
    final Pattern pattern;
    final double minimum;
    final double maximum;

    private FieldRule(int index, JsonNode rule) {
        this.index = index;
        name = rule.get("name").asText();
        type = Type.valueOf(rule.get("type").asText().toUpperCase());
        required = rule.path("required").asBoolean(false);
        minLength = rule.path("min_length").asInt(0);
        maxLength = rule.path("max_length").asInt(Integer.MAX_VALUE);
        pattern = rule.hasNonNull("pattern") ? Pattern.compile(rule.get("pattern").asText()) : null;
        minimum = rule.path("minimum").asDouble(Double.NEGATIVE_INFINITY);
        maximum = rule.path("maximum").asDouble(Double.POSITIVE_INFINITY);
    }

    /** The rules by field name, in the contract's order. */
    static Map<String, FieldRule> parse(String json) {
        try {
            Map<String, FieldRule> rules = new LinkedHashMap<>();
            for (JsonNode rule : new ObjectMapper().readTree(json)) {
                FieldRule parsed = new FieldRule(rules.size(), rule);
                rules.put(parsed.name, parsed);
            }
            return rules;
        } catch (IOException | RuntimeException e) {
            throw new IllegalArgumentException("contract.rules is not a list of rules: " + json, e);
        }
    }
}
