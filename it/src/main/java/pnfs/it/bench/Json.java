package pnfs.it.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;

/// Reports as one line of JSON.
final class Json {
    private Json() {}

    static void print(Object report) throws JsonProcessingException {
        System.out.println(new ObjectMapper().writeValueAsString(report));
    }
}
