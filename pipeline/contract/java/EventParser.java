package floodmark.contract;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;

/**
 * Reads one event's JSON once, front to back, and judges it by the contract's rules. Only fields that the query
 * asks for become values; the others are judged and skipped. It is the one judge of stream and lake, so that a record
 * is rejected by both for the same reason. Not safe for use by several threads.
 *
 * <p>A document with several faults is rejected for the first of: {@code not_json}, {@code not_object}, the fault of
 * the first field in the contract's order, a duplicate key that the contract does not name.
 */
public final class EventParser {
    private static final JsonFactory JSON =
            JsonFactory.builder().enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER).build();
    private static final VarHandle EIGHT_BYTES =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());
    private static final long NOT_ASCII = 0x8080808080808080L;
    private static final int REMEMBERED = 1024;

    private final Map<String, FieldRule> rules;
    private final FieldRule[] inOrder;
    private final boolean[] wanted;
    private final ValueFactory factory;
    private final Object[] values;
    private final String[] faults;
    private final boolean[] seen;
    private final Set<String> otherNames = new HashSet<>();
    private final Set<String> names = new HashSet<>();
    /** By rule, texts that matched its pattern: such fields have few distinct values. */
    private final List<Set<String>> matched = new ArrayList<>();

    /** Rules in the contract's order; {@code wanted[i]} is whether the value of field i is to be kept. */
    public EventParser(Map<String, FieldRule> rules, boolean[] wanted, ValueFactory factory) {
        this.rules = new HashMap<>(rules);
        this.inOrder = rules.values().toArray(new FieldRule[0]);
        this.wanted = wanted;
        this.factory = factory;
        this.values = new Object[inOrder.length];
        this.faults = new String[inOrder.length];
        this.seen = new boolean[inOrder.length];
        for (int i = 0; i < inOrder.length; i++) {
            matched.add(new HashSet<>());
        }
    }

    /** Null when the document keeps the contract, else why not, such as {@code missing:event_id}. */
    public String parse(byte[] document) {
        if (document == null || !isUtf8(document)) {
            return "not_json";
        }
        for (int i = 0; i < inOrder.length; i++) {
            values[i] = null;
            faults[i] = null;
            seen[i] = false;
        }
        try (JsonParser json = JSON.createParser(document)) {
            if (json.nextToken() == null) {
                return "not_json";
            }
            boolean isObject = json.currentToken() == JsonToken.START_OBJECT;
            String otherFault = isObject ? readFields(json) : null;
            json.skipChildren();
            if (json.nextToken() != null) {
                return "not_json";
            }
            return isObject ? verdict(otherFault) : "not_object";
        } catch (JsonProcessingException | CharacterCodingException e) {
            return "not_json";
        } catch (IOException e) {
            throw new IllegalStateException("reading from memory failed", e);
        }
    }

    /** The value of field {@code index} of the document parsed last, as the factory made it; null when absent. */
    public Object value(int index) {
        return values[index];
    }

    /**
     * The parser would also take UTF-16, UTF-32, byte order marks and what is nearly UTF-8, such as surrogates of
     * three bytes each, which readers downstream do not.
     */
    private static boolean isUtf8(byte[] document) {
        return document.length > 1 && document[0] > 0 && document[1] != 0 && (isAscii(document) || decodes(document));
    }

    private static boolean isAscii(byte[] document) {
        long bits = 0;
        int i = 0;
        for (; i + Long.BYTES <= document.length; i += Long.BYTES) {
            bits |= (long) EIGHT_BYTES.get(document, i);
        }
        for (; i < document.length; i++) {
            bits |= document[i];
        }
        return (bits & NOT_ASCII) == 0;
    }

    private static boolean decodes(byte[] document) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(document));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }

    private String readFields(JsonParser json) throws IOException {
        String fault = null;
        otherNames.clear();
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            String name = json.currentName();
            FieldRule rule = rules.get(name);
            json.nextToken();
            if (rule != null) {
                readField(json, rule);
            } else {
                boolean once = otherNames.add(name);
                if (!(skipOnce(json) && once) && fault == null) {
                    fault = "duplicate:" + name;
                }
            }
        }
        return fault;
    }

    /** Skips a value that the contract does not name; false when an object in it has a key twice. */
    private static boolean skipOnce(JsonParser json) throws IOException {
        JsonToken opened = json.currentToken();
        if (!opened.isStructStart()) {
            return true;
        }
        boolean once = true;
        Set<String> keys = new HashSet<>();
        while (!json.nextToken().isStructEnd()) {
            if (opened == JsonToken.START_OBJECT) {
                once &= keys.add(json.currentName());
                json.nextToken();
            }
            once &= skipOnce(json);
        }
        return once;
    }

    private void readField(JsonParser json, FieldRule rule) throws IOException {
        int i = rule.index;
        String fault = json.currentToken() == JsonToken.VALUE_NULL ? null : judge(json, rule);
        json.skipChildren();
        if (seen[i]) {
            faults[i] = "duplicate:";
        } else if (fault != null) {
            faults[i] = fault;
        } else if (rule.required && json.currentToken() == JsonToken.VALUE_NULL) {
            faults[i] = "missing:";
        }
        seen[i] = true;
    }

    private String judge(JsonParser json, FieldRule rule) throws IOException {
        switch (rule.type) {
            case STRING:
                return json.currentToken() == JsonToken.VALUE_STRING ? judgeText(json, rule) : "type:";
            case DOUBLE:
                return json.currentToken().isNumeric() ? judgeDouble(json, rule) : "type:";
            case LONG:
                return json.currentToken() == JsonToken.VALUE_NUMBER_INT ? judgeLong(json, rule) : "type:";
            case STRINGS:
                return json.currentToken() == JsonToken.START_OBJECT ? judgeStrings(json, rule) : "type:";
            default:
                throw new IllegalStateException("no such type: " + rule.type);
        }
    }

    private String judgeText(JsonParser json, FieldRule rule) throws IOException {
        char[] chars = json.getTextCharacters();
        int offset = json.getTextOffset();
        int length = json.getTextLength();
        byte[] utf8 = encode(chars, offset, length);
        // Lengths are in code points. These differ from Java's chars only outside the basic plane.
        int characters = utf8.length == length ? length : Character.codePointCount(chars, offset, length);
        if (characters < rule.minLength || characters > rule.maxLength) {
            return "length:";
        }
        if (rule.pattern != null && !matches(rule, new String(chars, offset, length))) {
            return "pattern:";
        }
        values[rule.index] = wanted[rule.index] ? factory.text(utf8) : null;
        return null;
    }

    /** Raises CharacterCodingException for a lone surrogate, which no UTF-8 text can hold. */
    private static byte[] encode(char[] chars, int offset, int length) throws CharacterCodingException {
        byte[] ascii = new byte[length];
        for (int i = 0; i < length; i++) {
            char c = chars[offset + i];
            if (c >= 0x80) {
                ByteBuffer utf8 =
                        StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(chars, offset, length));
                byte[] bytes = new byte[utf8.remaining()];
                utf8.get(bytes);
                return bytes;
            }
            ascii[i] = (byte) c;
        }
        return ascii;
    }

    private boolean matches(FieldRule rule, String text) {
        Set<String> known = matched.get(rule.index);
        if (known.contains(text)) {
            return true;
        }
        boolean matches = rule.pattern.matcher(text).matches();
        if (matches && known.size() < REMEMBERED) {
            known.add(text);
        }
        return matches;
    }

    private String judgeDouble(JsonParser json, FieldRule rule) throws IOException {
        double value = json.getDoubleValue();
        if (!Double.isFinite(value) || value < rule.minimum || value > rule.maximum) {
            return "range:";
        }
        values[rule.index] = wanted[rule.index] ? value : null;
        return null;
    }

    private String judgeLong(JsonParser json, FieldRule rule) throws IOException {
        if (json.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
            return "range:";
        }
        long value = json.getLongValue();
        if (value < rule.minimum || value > rule.maximum) {
            return "range:";
        }
        values[rule.index] = wanted[rule.index] ? value : null;
        return null;
    }

    private String judgeStrings(JsonParser json, FieldRule rule) throws IOException {
        Map<Object, Object> strings = wanted[rule.index] ? new LinkedHashMap<>() : null;
        String fault = null;
        names.clear();
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            String name = json.currentName();
            if (!names.add(name)) {
                fault = "duplicate:";
            }
            if (json.nextToken() != JsonToken.VALUE_STRING) {
                fault = fault == null ? "type:" : fault;
                json.skipChildren();
            } else {
                byte[] utf8 =
                        encode(json.getTextCharacters(), json.getTextOffset(), json.getTextLength());
                if (strings != null) {
                    strings.put(factory.text(name), factory.text(utf8));
                }
            }
        }
        values[rule.index] = strings == null ? null : factory.strings(strings);
        return fault;
    }

    private String verdict(String otherFault) {
        for (FieldRule rule : inOrder) {
            if (faults[rule.index] != null) {
                return faults[rule.index] + rule.name;
            }
            if (rule.required && !seen[rule.index]) {
                return "missing:" + rule.name;
            }
        }
        return otherFault;
    }
}
