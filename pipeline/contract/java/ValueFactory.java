package floodmark.contract;

import java.util.Map;

/** How an engine holds texts and maps inside. Whole numbers and floating-point ones are Long and Double in all. */
public interface ValueFactory {
    /** A text of these bytes, which are valid UTF-8 and never change. */
    Object text(byte[] utf8);

    Object text(String text);

    /** A map whose keys and values this factory made, in the document's order. */
    Object strings(Map<Object, Object> texts);
}
