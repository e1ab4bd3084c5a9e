package floodmark.contract;

import java.io.IOException;
import java.io.Serializable;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

/**
 * What the contract demands of one field of an event's JSON. Knows kinds of rules, never the fields themselves:
 * these come from the contract as JSON (pipeline/contract/derive.py).
 */
public final class FieldRule implements Serializable {
    private static final long serialVersionUID = 1L;

    public enum Type {
        STRING,
        DOUBLE,
        LONG,
        STRINGS
    }

    public final String name;
    public final int index;
    public final Type type;
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
    public static Map<String, FieldRule> parse(String json) {
        try {
            Map<String, FieldRule> rules = new LinkedHashMap<>();
            for (JsonNode rule : new ObjectMapper().readTree(json)) {
                FieldRule parsed = new FieldRule(rules.size(), rule);
                rules.put(parsed.name, parsed);
            }
            return rules;
        } catch (IOException | RuntimeException e) {
            throw new IllegalArgumentException("not a list of the contract's rules: " + json, e);
        }
    }
}
