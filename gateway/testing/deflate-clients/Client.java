import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.regex.Pattern;

/** Reads with the WebSocket of java.net.http, which offers no extension. Arguments: URL STEP. */
public class Client {
  private static final Pattern CURSOR = Pattern.compile("\"cursor\":\"([^\"]+)\"");
  private static final Pattern NUMBER = Pattern.compile("\"n\":(\\d+)");
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  /** One connection. It requests a text once the one before it was read. */
  private static class Connection implements WebSocket.Listener {
    private final BlockingQueue<Object> got = new LinkedBlockingQueue<>();
    private final StringBuilder text = new StringBuilder();
    private final WebSocket socket;

    Connection(String url) {
      socket = HTTP.newWebSocketBuilder().buildAsync(URI.create(url), this).join();
    }

    @Override
    public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean isLast) {
      text.append(data);
      if (isLast) {
        got.add(text.toString());
        text.setLength(0);
      } else socket.request(1);
      return null;
    }

    @Override
    public void onError(WebSocket socket, Throwable error) {
      got.add(error);
    }

    /** The next text. The first one was requested when the connection was opened. */
    String read() throws Exception {
      var next = got.take();
      if (next instanceof Throwable error) throw new Exception(error);
      socket.request(1);
      return (String) next;
    }
  }

  public static void main(String[] arguments) throws Exception {
    var url = arguments[0];
    var step = Integer.parseInt(arguments[1]);
    var digest = MessageDigest.getInstance("SHA-256");
    var connection = new Connection(url);
    String first = null;
    for (var count = 0; ; ) {
      var text = connection.read();
      if (!text.startsWith("{\"Event-Name\"")) continue;
      var tail = text.lastIndexOf(",\"_firehose\":");
      var event = tail < 0 ? text : text.substring(0, tail) + "}";
      digest.update((event + "\n").getBytes(StandardCharsets.UTF_8));
      count++;
      if (first == null) {
        var number = NUMBER.matcher(text);
        first = number.find() ? number.group(1) : "";
      }
      if (text.contains("\"last\":true")) {
        System.out.println(first + " " + count + " " + HexFormat.of().formatHex(digest.digest()));
        System.exit(0);
      }
      if (count % step > 0) continue;
      var cursor = CURSOR.matcher(text);
      var turn = count / step;
      if (cursor.find()) {
        if (turn % 4 == 3) {
          connection.socket.abort();
          connection = new Connection(url + "&cursor=" + cursor.group(1));
          continue;
        }
        var accounts = turn % 2 == 0 ? "null" : "[\"account_id_1\"]";
        connection.socket.sendText("{\"filter\":{\"accounts\":" + accounts + ",\"events\":null}}", true).join();
      }
      Thread.sleep(300);
    }
  }
}
