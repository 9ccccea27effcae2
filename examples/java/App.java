// The shortest honest app beside xzepr-bridge, with nothing but the JDK (17 or later).
//   java App.java        PORT (8080; 0 takes a free one), WORK_API_URL (http://127.0.0.1:8900)
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.Phaser;

import static java.nio.charset.StandardCharsets.UTF_8;

public final class App {
    static final String WORK_API = System.getenv().getOrDefault("WORK_API_URL", "http://127.0.0.1:8900");
    // It is beside us: no proxy of the system lies between.
    static final HttpClient BRIDGE =
        HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).proxy(HttpClient.Builder.NO_PROXY).build();
    static final Phaser IN_HAND = new Phaser(1);

    /** Your work. What it returns is reported as details; what it throws is reported as failed. */
    static Map<String, ?> work(Map<?, ?> event) {
        if (Boolean.FALSE.equals(event.get("success")))
            throw new IllegalStateException(event.get("name") + " did not succeed");
        return Map.of("handled", event.get("name"));
    }

    /** The work-id header comes percent-encoded: it goes into a path as it is. */
    static void report(String workId, String what, Map<String, ?> body) throws IOException, InterruptedException {
        URI url = URI.create(WORK_API + "/work/" + workId + "/" + what);
        var request = HttpRequest.newBuilder(url).timeout(Duration.ofSeconds(30))
            .header("content-type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(Json.write(body)));
        var response = BRIDGE.send(request.build(), HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() > 299)
            throw new IOException("POST " + url + ": " + response.statusCode() + " " + response.body());
    }

    static void deliver(String workId, Map<?, ?> event) throws IOException, InterruptedException {
        report(workId, "started", Map.of());
        Map<String, ?> details;
        try {
            details = work(event);
        } catch (RuntimeException error) {
            report(workId, "failed", Map.of("error", String.valueOf(error.getMessage())));
            return;
        }
        report(workId, "completed", Map.of("details", details));
    }

    static void receive(HttpExchange exchange) throws IOException {
        IN_HAND.register();
        try (exchange) {
            String body = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
            String workId = exchange.getRequestHeaders().getFirst("work-id");
            boolean isOurs = exchange.getRequestMethod().equals("POST") && exchange.getRequestURI().getPath().equals("/events");
            int status = !isOurs ? 404 : workId == null ? 400 : 200;
            try {
                if (status == 200) deliver(workId, (Map<?, ?>) Json.read(body));
            } catch (Exception error) {
                System.err.println(error);
                // 4xx: never again, nobody can read it. 503: the bridge could not be told, so it delivers the event again.
                status = error instanceof Json.Unreadable || error instanceof ClassCastException ? 400 : 503;
            }
            exchange.sendResponseHeaders(status, -1);
        } finally {
            IN_HAND.arriveAndDeregister();
        }
    }

    public static void main(String[] args) throws IOException {
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "8080"));
        // On loopback: the bridge is beside us, and nobody else is meant to call. 128: a burst is not refused.
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port), 128);
        server.createContext("/", App::receive);
        server.setExecutor(Executors.newCachedThreadPool());
        // On SIGTERM: takes no new event, finishes those in hand; what is cut off all the same comes again.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            new Thread(() -> server.stop(30)).start();
            IN_HAND.arriveAndAwaitAdvance();
            Runtime.getRuntime().halt(0);
        }));
        server.start();
        System.out.println("listening on port " + server.getAddress().getPort());
    }

    /** JSON, which the JDK cannot read: objects become maps, arrays lists, numbers doubles. A library does this as well. */
    static final class Json {
        static final class Unreadable extends RuntimeException {
            Unreadable(int at) {
                super("not JSON at character " + at);
            }
        }

        private final String text;
        private int at;

        private Json(String text) {
            this.text = text;
        }

        static Object read(String text) {
            Json json = new Json(text);
            Object value = json.value();
            if (json.next() != 0) throw new Unreadable(json.at);
            return value;
        }

        static String write(Object value) {
            if (value instanceof Map<?, ?> map) {
                List<String> members = new ArrayList<>();
                map.forEach((name, member) -> members.add(write(name) + ":" + write(member)));
                return "{" + String.join(",", members) + "}";
            }
            if (!(value instanceof String string)) return String.valueOf(value);
            StringBuilder quoted = new StringBuilder("\"");
            for (char each : string.toCharArray())
                quoted.append(each < ' ' || each == '"' || each == '\\' ? String.format("\\u%04x", (int) each) : each);
            return quoted.append('"').toString();
        }

        /** The next character that is no white-space; 0 at the end. */
        private char next() {
            while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) at++;
            return at < text.length() ? text.charAt(at) : 0;
        }

        private boolean take(char wanted) {
            if (next() != wanted) return false;
            at++;
            return true;
        }

        private void expect(char wanted) {
            if (!take(wanted)) throw new Unreadable(at);
        }

        private Object value() {
            if (next() == '"') return string();
            if (take('{')) {
                Map<String, Object> map = new LinkedHashMap<>();
                if (take('}')) return map;
                do {
                    next();
                    String name = string();
                    expect(':');
                    map.put(name, value());
                } while (take(','));
                expect('}');
                return map;
            }
            if (take('[')) {
                List<Object> list = new ArrayList<>();
                if (take(']')) return list;
                do list.add(value()); while (take(','));
                expect(']');
                return list;
            }
            int from = at;
            while (at < text.length() && ",]} \t\r\n".indexOf(text.charAt(at)) < 0) at++;
            String word = text.substring(from, at);
            switch (word) {
                case "true": return true;
                case "false": return false;
                case "null": return null;
                default:
                    if (!word.matches("-?(0|[1-9]\\d*)(\\.\\d+)?([eE][+-]?\\d+)?")) throw new Unreadable(from);
                    return Double.valueOf(word);
            }
        }

        private String string() {
            expect('"');
            StringBuilder string = new StringBuilder();
            while (at < text.length()) {
                char each = text.charAt(at++);
                if (each == '"') return string.toString();
                if (each < ' ') break;
                string.append(each == '\\' ? escaped() : each);
            }
            throw new Unreadable(at);
        }

        private char escaped() {
            int which = "\"\\/bfnrtu".indexOf(at < text.length() ? text.charAt(at++) : 0);
            if (which < 0) throw new Unreadable(at);
            if (which < 8) return "\"\\/\b\f\n\r\t".charAt(which);
            try {
                return (char) Integer.parseInt(text, at, at += 4, 16);
            } catch (IndexOutOfBoundsException | NumberFormatException error) {
                throw new Unreadable(at);
            }
        }
    }
}
